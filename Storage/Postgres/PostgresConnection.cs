using Npgsql;

namespace Emu3.Storage.Postgres;

/// <summary>Connection strings of PostgreSQL, and what they get from us where they say nothing.</summary>
public static class PostgresConnection
{
    /// <summary>The name by which Orleans knows the driver.</summary>
    public const string Invariant = "Npgsql";

    /// <summary>What is wrong with a connection string; null when nothing is. Never tells what it holds: there may be a password in it.</summary>
    public static string? Check(string connectionString)
    {
        try
        {
            var builder = new NpgsqlConnectionStringBuilder(connectionString);
            return string.IsNullOrWhiteSpace(builder.Host) ? "names no Host"
                : string.IsNullOrWhiteSpace(builder.Database) ? "names no Database"
                : null;
        }
        catch (Exception wrong) when (wrong is ArgumentException or FormatException or KeyNotFoundException)
        {
            return $"is none that PostgreSQL's driver reads: {wrong.Message}";
        }
    }

    /// <summary>What it leads to, for a person: never the password.</summary>
    public static string Describe(string connectionString)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        return $"database {builder.Database} on {builder.Host}:{builder.Port}";
    }

    /// <summary>The door to a database, with its pool of connections. The caller disposes of it.</summary>
    public static NpgsqlDataSource Open(string connectionString)
    {
        var told = new NpgsqlConnectionStringBuilder(connectionString).Keys.OfType<string>().ToHashSet(StringComparer.OrdinalIgnoreCase);
        var builder = new NpgsqlDataSourceBuilder(connectionString);
        var ours = builder.ConnectionStringBuilder;
        void Default(string keyword, Action set)
        {
            if (!told.Contains(keyword)) set();
        }

        Default("Timeout", () => ours.Timeout = (int)ClusterTimes.DatabaseConnect.TotalSeconds);
        Default("Command Timeout", () => ours.CommandTimeout = (int)ClusterTimes.DatabaseCommand.TotalSeconds);
        Default("Cancellation Timeout", () => ours.CancellationTimeout = (int)ClusterTimes.DatabaseCancel.TotalMilliseconds);
        // A network that swallows packets shows in seconds, not when the kernel gives up after a quarter of an hour.
        Default("Keepalive", () => ours.KeepAlive = 10);
        // Encryption by Kerberos is tried first otherwise, which loads libgssapi_krb5: slim images have none, and a line on standard error says so at each start.
        Default("GSS Encryption Mode", () => ours.GssEncryptionMode = GssEncryptionMode.Disable);
        // A server takes 100 by default: room for several silos and gateways.
        Default("Maximum Pool Size", () => ours.MaxPoolSize = 16);
        // A dozen statements, over and over.
        Default("Max Auto Prepare", () => ours.MaxAutoPrepare = 30);
        Default("Application Name", () => ours.ApplicationName = "emu3");
        return builder.Build();
    }
}
