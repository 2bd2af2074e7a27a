using System.Globalization;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Emu3.Storage.Embedded;

/// <summary>Reminders in SQLite, by service: they outlive every cluster of it.</summary>
public sealed class SqliteReminderTable(SqliteDb db, IOptions<ClusterOptions> options) : IReminderTable
{
    /// <summary>What <see cref="SqliteDb"/> needs to hold reminders.</summary>
    public const string Schema = """
        CREATE TABLE IF NOT EXISTS reminder(
            service TEXT NOT NULL, grain TEXT NOT NULL, name TEXT NOT NULL, hash INTEGER NOT NULL, start TEXT NOT NULL, period INTEGER NOT NULL,
            version INTEGER NOT NULL, PRIMARY KEY(service, grain, name));
        CREATE INDEX IF NOT EXISTS reminder_hash ON reminder(service, hash);
        """;

    private readonly string _service = options.Value.ServiceId;

    public Task<ReminderTableData> ReadRows(GrainId grainId) => Task.FromResult(Read("grain=$grain", ("$grain", grainId.ToString())));

    /// <summary>Reminders whose grain's hash lies in (begin, end]; the range goes round through zero when begin is not below end.</summary>
    public Task<ReminderTableData> ReadRows(uint begin, uint end) => Task.FromResult(
        Read(begin < end ? "hash>$begin AND hash<=$end" : "(hash>$begin OR hash<=$end)", ("$begin", (long)begin), ("$end", (long)end)));

    public Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) => Task.FromResult(
        Read("grain=$grain AND name=$name", ("$grain", grainId.ToString()), ("$name", reminderName)).Reminders.FirstOrDefault());

    public Task<string?> UpsertRow(ReminderEntry entry) => db.WriteAsync((connection, transaction) =>
        Convert.ToString(connection.Scalar(transaction, """
            INSERT INTO reminder VALUES($service, $grain, $name, $hash, $start, $period, 1)
            ON CONFLICT(service, grain, name) DO UPDATE SET start=excluded.start, period=excluded.period, version=version+1 RETURNING version
            """,
            ("$service", _service), ("$grain", entry.GrainId.ToString()), ("$name", entry.ReminderName), ("$hash", (long)entry.GrainId.GetUniformHashCode()),
            ("$start", entry.StartAt.ToString("O", CultureInfo.InvariantCulture)), ("$period", entry.Period.Ticks)), CultureInfo.InvariantCulture));

    public Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) => db.WriteAsync((connection, transaction) =>
        connection.Execute(transaction, "DELETE FROM reminder WHERE service=$service AND grain=$grain AND name=$name AND version=$version",
            ("$service", _service), ("$grain", grainId.ToString()), ("$name", reminderName),
            ("$version", long.Parse(eTag, CultureInfo.InvariantCulture))) == 1);

    public Task TestOnlyClearTable() => db.WriteAsync((connection, transaction) =>
        connection.Execute(transaction, "DELETE FROM reminder WHERE service=$service", ("$service", _service)));

    private ReminderTableData Read(string condition, params ReadOnlySpan<(string, object?)> parameters)
    {
        using var connection = db.Open();
        using var command = connection.Command(null, "SELECT grain, name, start, period, version FROM reminder WHERE service=$service AND " + condition,
            [("$service", _service), .. parameters]);
        using var reader = command.ExecuteReader();
        var entries = new List<ReminderEntry>();
        while (reader.Read())
        {
            entries.Add(new ReminderEntry
            {
                GrainId = GrainId.Parse(reader.GetString(0), CultureInfo.InvariantCulture),
                ReminderName = reader.GetString(1),
                StartAt = DateTime.Parse(reader.GetString(2), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind),
                Period = TimeSpan.FromTicks(reader.GetInt64(3)),
                ETag = reader.GetInt64(4).ToString(CultureInfo.InvariantCulture),
            });
        }

        return new ReminderTableData(entries);
    }
}
