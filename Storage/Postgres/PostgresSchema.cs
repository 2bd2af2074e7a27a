using System.Globalization;
using System.Reflection;
using Npgsql;

namespace Emu3.Storage.Postgres;

/// <summary>The tables and statements of the scripts in <c>k8s/postgres</c>, which this assembly carries.</summary>
public static class PostgresSchema
{
    private const string Prefix = "postgres/";

    /// <summary>Any number that nobody else takes: one applies at a time.</summary>
    private const long AdvisoryLock = 0x656D_7533; // "emu3"

    /// <summary>Others that apply are waited for, and a large table may be changed.</summary>
    private static readonly TimeSpan s_applyPatience = TimeSpan.FromMinutes(10);

    /// <summary>The scripts, in the order in which they are applied.</summary>
    public static IReadOnlyList<(string Name, string Text)> Scripts { get; } =
        [.. from name in Assembly.GetExecutingAssembly().GetManifestResourceNames()
            where name.StartsWith(Prefix, StringComparison.Ordinal)
            orderby name
            select (name[Prefix.Length..], Read(name))];

    /// <summary>
    /// Makes what is missing and renews the statements that changed, all or nothing; nothing that is stored is touched. Others that apply wait for their
    /// turn, and then find it done. Tables of a later version that this one can use stay as they are.
    /// </summary>
    /// <param name="database">The database.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="version">Of the program; null for that of this one.</param>
    /// <exception cref="DatabaseException">
    /// The tables are of a later version that this one can't use; or silos use them that could not go on after the change.
    /// </exception>
    /// <exception cref="NpgsqlException">The database refused.</exception>
    public static async Task<SchemaChange> ApplyAsync(NpgsqlDataSource database, CancellationToken cancellationToken, StoreVersion? version = null)
    {
        var mine = version ?? StoreVersion.OfProgram;
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({AdvisoryLock})", cancellationToken);
        var before = await ReadVersionAsync(connection, cancellationToken);
        if (mine.WhyNot($"The {Name(connection)}", before.Oldest) is { } refusal) throw new DatabaseException(refusal);
        if (before.Number > mine.Number) return new(Name(connection), before.Number, before.Number, [], 0);
        if (before.Number > 0 && before.Number < mine.Oldest && await ReadRunningAsync(connection, cancellationToken) is { Count: > 0 } running)
        {
            throw new DatabaseException(
                $"Silos of an earlier release use {Name(connection)} ({string.Join(", ", running)}), and can't go on with tables of version {mine.Number}. "
                + "End all silos and gateways, then apply again: a silo that was killed counts as running for a minute.");
        }

        var tables = await ReadTablesAsync(connection, cancellationToken);
        var statements = await ReadStatementsAsync(connection, tables, cancellationToken);
        foreach (var (_, text) in Scripts) await ExecuteAsync(connection, text, cancellationToken);
        await ExecuteAsync(
            connection, $"INSERT INTO emu3_schema (version, oldest) VALUES ({mine.Number}, {mine.Oldest}) ON CONFLICT (only_row) DO UPDATE SET version = excluded.version, oldest = excluded.oldest",
            cancellationToken);
        var made = (await ReadTablesAsync(connection, cancellationToken)).Except(tables).Order(StringComparer.Ordinal).ToList();
        var renewed = (await ReadStatementsAsync(connection, ["orleansquery"], cancellationToken)).Except(statements).Count();
        await transaction.CommitAsync(cancellationToken);
        return new(Name(connection), before.Number, mine.Number, made, renewed);
    }

    /// <summary>Makes sure that the scripts were applied to a database.</summary>
    /// <param name="database">The database.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="version">Of the program; null for that of this one.</param>
    /// <exception cref="SchemaMissingException">They were not yet, or those of an earlier version: somebody may be about to.</exception>
    /// <exception cref="DatabaseException">Those of a later version were, and this program can't use what they made.</exception>
    /// <exception cref="NpgsqlException">The database refused.</exception>
    public static async Task RequireAsync(NpgsqlDataSource database, CancellationToken cancellationToken, StoreVersion? version = null)
    {
        var mine = version ?? StoreVersion.OfProgram;
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var found = await ReadVersionAsync(connection, cancellationToken);
        if (found.Number == 0) throw new SchemaMissingException($"The {Name(connection)} has no tables of this program. Make them: emu3 database apply --connection-string …");
        if (found.Number < mine.Number)
            throw new SchemaMissingException($"The tables of {Name(connection)} are of version {found.Number}, and this program needs version {mine.Number}. Renew them: emu3 database apply --connection-string …");
        if (mine.WhyNot($"The {Name(connection)}", found.Oldest) is { } refusal) throw new DatabaseException(refusal);
    }

    /// <summary>The highest generation that a silo of a cluster has or had; 0 when there was none.</summary>
    public static async Task<int> ReadNewestGenerationAsync(NpgsqlDataSource database, string cluster, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT coalesce(max(generation), 0) FROM emu3_membership WHERE cluster = $1");
        command.Parameters.Add(new() { Value = cluster });
        return Convert.ToInt32(await command.ExecuteScalarAsync(cancellationToken), CultureInfo.InvariantCulture);
    }

    /// <summary>Of the tables; 0 where nothing was applied. Before there was a column for it, the oldest was the version itself.</summary>
    private static async Task<StoreVersion> ReadVersionAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (!(await ReadTablesAsync(connection, cancellationToken)).Contains("emu3_schema")) return new(0, 0);
        await using var command = new NpgsqlCommand("SELECT version, coalesce((to_jsonb(emu3_schema) ->> 'oldest')::integer, version) FROM emu3_schema", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? new(reader.GetInt32(0), reader.GetInt32(1)) : new(0, 0);
    }

    /// <summary>Silos that have not left, and were alive within the last minute.</summary>
    private static async Task<IReadOnlyList<string>> ReadRunningAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            $"SELECT silo_name || ' at ' || address || ':' || port FROM emu3_membership WHERE status <> {(int)SiloStatus.Dead} AND alive_at > now() - interval '1 minute' ORDER BY 1", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var running = new List<string>();
        while (await reader.ReadAsync(cancellationToken)) running.Add(reader.GetString(0));
        return running;
    }

    /// <summary>Those that the scripts make, of the schema that a statement without one speaks of.</summary>
    private static async Task<IReadOnlySet<string>> ReadTablesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            @"SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() AND (tablename = 'orleansquery' OR tablename LIKE 'emu3\_%')", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var tables = new HashSet<string>();
        while (await reader.ReadAsync(cancellationToken)) tables.Add(reader.GetString(0));
        return tables;
    }

    private static async Task<IReadOnlySet<(string Key, string Text)>> ReadStatementsAsync(
        NpgsqlConnection connection, IReadOnlyCollection<string> tables, CancellationToken cancellationToken)
    {
        var statements = new HashSet<(string, string)>();
        if (!tables.Contains("orleansquery")) return statements;
        await using var command = new NpgsqlCommand("SELECT QueryKey, QueryText FROM OrleansQuery", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken)) statements.Add((reader.GetString(0), reader.GetString(1)));
        return statements;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string text, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(text, connection) { CommandTimeout = (int)s_applyPatience.TotalSeconds };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static string Read(string name)
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    private static string Name(NpgsqlConnection connection) => $"database {connection.Database} on {connection.Host}";
}

/// <summary>What applying the scripts did.</summary>
/// <param name="Database">To which one.</param>
/// <param name="VersionBefore">0 when nothing of this program was there.</param>
/// <param name="Version">Of the tables now.</param>
/// <param name="TablesMade">Names of the tables that were missing.</param>
/// <param name="StatementsRenewed">Statements that were missing or other ones.</param>
public sealed record SchemaChange(string Database, int VersionBefore, int Version, IReadOnlyList<string> TablesMade, int StatementsRenewed);
