using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Messaging;

namespace Emu3.Storage.Embedded;

/// <summary>
/// The silos of a cluster, and their gateways, in a SQLite file that all processes of a machine share.
/// Each change takes the table's version one further in the same transaction, as Orleans' membership protocol asks.
/// A silo that starts finds the silos whose processes exist no more, and marks them dead: otherwise it would wait until it may believe so.
/// </summary>
/// <param name="db">The file.</param>
/// <param name="options">Which cluster of the file.</param>
/// <param name="process">The process whose silos are entered here.</param>
public sealed class SqliteMembershipTable(SqliteDb db, IOptions<ClusterOptions> options, ProcessMark? process = null) : IMembershipTable, IGatewayListProvider
{
    /// <summary>What <see cref="SqliteDb"/> needs to hold the table.</summary>
    public const string Schema = """
        CREATE TABLE IF NOT EXISTS member(
            cluster TEXT NOT NULL, silo TEXT NOT NULL, entry TEXT NOT NULL, etag INTEGER NOT NULL, alive TEXT NOT NULL, PRIMARY KEY(cluster, silo));
        CREATE TABLE IF NOT EXISTS member_version(cluster TEXT PRIMARY KEY, version INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS member_process(cluster TEXT NOT NULL, silo TEXT NOT NULL, process TEXT NOT NULL, PRIMARY KEY(cluster, silo));
        """;

    private readonly string _cluster = options.Value.ClusterId;

    /// <summary>The highest generation that a silo of a cluster has or had; 0 when there was none.</summary>
    /// <param name="path">The file, which need not be there.</param>
    /// <param name="cluster">Which cluster of the file.</param>
    public static int ReadNewestGeneration(string path, string cluster)
    {
        if (!File.Exists(path)) return 0;
        using var db = new SqliteDb(path, Schema);
        using var connection = db.Open();
        using var command = connection.Command(null, "SELECT silo FROM member WHERE cluster=$cluster", ("$cluster", cluster));
        using var reader = command.ExecuteReader();
        var newest = 0;
        while (reader.Read()) newest = Math.Max(newest, SiloAddress.FromParsableString(reader.GetString(0)).Generation);
        return newest;
    }

    public TimeSpan MaxStaleness => TimeSpan.FromSeconds(5);
    public bool IsUpdatable => true;

    public Task InitializeGatewayListProvider() => Task.CompletedTask;

    public Task<IList<Uri>> GetGateways() => Task.FromResult<IList<Uri>>(
        [.. from row in Read(null).Members
            let entry = row.Item1
            where entry.Status == SiloStatus.Active && entry.ProxyPort != 0
            select SiloAddress.New(entry.SiloAddress.Endpoint.Address, entry.ProxyPort, entry.SiloAddress.Generation).ToGatewayUri()]);

    public async Task InitializeMembershipTable(bool tryInitTableVersion)
    {
        await db.WriteAsync((connection, transaction) =>
            connection.Execute(transaction, "INSERT OR IGNORE INTO member_version VALUES($cluster, 0)", ("$cluster", _cluster)));
        await BuryAsync();
    }

    public Task DeleteMembershipTableEntries(string clusterId) => db.WriteAsync((connection, transaction) =>
        connection.Execute(transaction, """
            DELETE FROM member WHERE cluster=$cluster; DELETE FROM member_version WHERE cluster=$cluster; DELETE FROM member_process WHERE cluster=$cluster
            """, ("$cluster", clusterId)));

    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate)
    {
        var defunct = (from row in Read(null).Members
                       let entry = row.Item1
                       where entry.Status == SiloStatus.Dead && entry.IAmAliveTime < beforeDate.UtcDateTime && entry.StartTime < beforeDate.UtcDateTime
                       select entry.SiloAddress.ToParsableString()).ToList();
        return db.WriteAsync((connection, transaction) => defunct.Sum(silo =>
            connection.Execute(transaction, "DELETE FROM member WHERE cluster=$cluster AND silo=$silo; DELETE FROM member_process WHERE cluster=$cluster AND silo=$silo",
                ("$cluster", _cluster), ("$silo", silo))));
    }

    public Task<MembershipTableData> ReadRow(SiloAddress key) => Task.FromResult(Read(key));

    public Task<MembershipTableData> ReadAll() => Task.FromResult(Read(null));

    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion) => db.WriteAsync((connection, transaction) =>
        ReadETag(connection, transaction, entry) is null
        && TryAdvance(connection, transaction, tableVersion)
        && Put(connection, transaction, "INSERT INTO member VALUES($cluster, $silo, $entry, 1, $alive)", entry)
        && Mark(connection, transaction, entry.SiloAddress, process));

    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) => db.WriteAsync((connection, transaction) =>
        ReadETag(connection, transaction, entry) == etag
        && TryAdvance(connection, transaction, tableVersion)
        && Put(connection, transaction, "UPDATE member SET entry=$entry, etag=etag+1, alive=$alive WHERE cluster=$cluster AND silo=$silo", entry));

    public Task UpdateIAmAlive(MembershipEntry entry) => db.WriteAsync((connection, transaction) =>
        connection.Execute(transaction, "UPDATE member SET alive=$alive WHERE cluster=$cluster AND silo=$silo",
            ("$alive", Time(entry.IAmAliveTime)), ("$cluster", _cluster), ("$silo", entry.SiloAddress.ToParsableString())));

    /// <summary>Marks silos dead whose processes exist no more. Two that start at once may both try: a later version refuses the second, who then finds it done.</summary>
    private async Task BuryAsync()
    {
        while (true)
        {
            var table = Read(null);
            var marks = ReadMarks();
            if (table.Members.FirstOrDefault(row => row.Item1.Status != SiloStatus.Dead && marks.TryGetValue(row.Item1.SiloAddress.ToParsableString(), out var mark) && mark.IsGone())
                is not { } gone) return;
            gone.Item1.Status = SiloStatus.Dead;
            await UpdateRow(gone.Item1, gone.Item2, table.Version.Next());
        }
    }

    private Dictionary<string, ProcessMark> ReadMarks()
    {
        using var connection = db.Open();
        using var command = connection.Command(null, "SELECT silo, process FROM member_process WHERE cluster=$cluster", ("$cluster", _cluster));
        using var reader = command.ExecuteReader();
        var marks = new Dictionary<string, ProcessMark>();
        while (reader.Read())
            if (ProcessMark.Parse(reader.GetString(1)) is { } mark) marks.Add(reader.GetString(0), mark);
        return marks;
    }

    private bool Mark(SqliteConnection connection, SqliteTransaction transaction, SiloAddress silo, ProcessMark? mark) =>
        mark is null || connection.Execute(transaction, "INSERT OR REPLACE INTO member_process VALUES($cluster, $silo, $process)",
            ("$cluster", _cluster), ("$silo", silo.ToParsableString()), ("$process", mark.ToString())) == 1;

    private MembershipTableData Read(SiloAddress? only)
    {
        using var connection = db.Open();
        using var transaction = connection.BeginTransaction(deferred: true); // version and rows of one moment
        var version = (long?)connection.Scalar(transaction, "SELECT version FROM member_version WHERE cluster=$cluster", ("$cluster", _cluster)) ?? 0;
        using var command = connection.Command(transaction,
            "SELECT entry, etag, alive FROM member WHERE cluster=$cluster AND ($silo IS NULL OR silo=$silo)",
            ("$cluster", _cluster), ("$silo", only?.ToParsableString()));
        using var reader = command.ExecuteReader();
        var rows = new List<Tuple<MembershipEntry, string>>();
        while (reader.Read())
        {
            var entry = JsonSerializer.Deserialize<Row>(reader.GetString(0))!.ToEntry(Time(reader.GetString(2)));
            rows.Add(Tuple.Create(entry, Number(reader.GetInt64(1))));
        }

        return new MembershipTableData(rows, new TableVersion((int)version, Number(version)));
    }

    private string? ReadETag(SqliteConnection connection, SqliteTransaction transaction, MembershipEntry entry) =>
        connection.Scalar(transaction, "SELECT etag FROM member WHERE cluster=$cluster AND silo=$silo",
            ("$cluster", _cluster), ("$silo", entry.SiloAddress.ToParsableString())) is long etag ? Number(etag) : null;

    private bool TryAdvance(SqliteConnection connection, SqliteTransaction transaction, TableVersion next) =>
        connection.Execute(transaction, "UPDATE member_version SET version=$next WHERE cluster=$cluster AND version=$last",
            ("$next", next.Version), ("$cluster", _cluster), ("$last", long.Parse(next.VersionEtag, CultureInfo.InvariantCulture))) == 1;

    private bool Put(SqliteConnection connection, SqliteTransaction transaction, string statement, MembershipEntry entry) =>
        connection.Execute(transaction, statement, ("$cluster", _cluster), ("$silo", entry.SiloAddress.ToParsableString()),
            ("$entry", JsonSerializer.Serialize(Row.From(entry))), ("$alive", Time(entry.IAmAliveTime))) == 1;

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
    private static string Time(DateTime value) => value.ToString("O", CultureInfo.InvariantCulture);
    private static DateTime Time(string value) => DateTime.Parse(value, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);

    private sealed record Row(
        string Silo, string HostName, string SiloName, int ProxyPort, int Status, string? RoleName, int UpdateZone, int FaultZone, DateTime StartTime,
        IReadOnlyList<Suspicion> Suspicions)
    {
        public static Row From(MembershipEntry entry) => new(
            entry.SiloAddress.ToParsableString(), entry.HostName, entry.SiloName, entry.ProxyPort, (int)entry.Status, entry.RoleName, entry.UpdateZone,
            entry.FaultZone, entry.StartTime, [.. (entry.SuspectTimes ?? []).Select(vote => new Suspicion(vote.Item1.ToParsableString(), vote.Item2))]);

        public MembershipEntry ToEntry(DateTime alive) => new()
        {
            SiloAddress = SiloAddress.FromParsableString(Silo),
            HostName = HostName,
            SiloName = SiloName,
            ProxyPort = ProxyPort,
            Status = (SiloStatus)Status,
            RoleName = RoleName!,
            UpdateZone = UpdateZone,
            FaultZone = FaultZone,
            StartTime = StartTime,
            IAmAliveTime = alive,
            SuspectTimes = [.. Suspicions.Select(vote => Tuple.Create(SiloAddress.FromParsableString(vote.By), vote.At))],
        };
    }

    private sealed record Suspicion(string By, DateTime At);
}
