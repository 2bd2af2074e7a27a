using Emu3.Storage.Embedded;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Emu3.Tests.Unit.Storage.Embedded;

[Trait("Suite", "Fast")]
public sealed class SqliteReminderTableTests : IDisposable
{
    private static readonly GrainId s_grain = GrainId.Create("index", "3");
    private readonly TemporaryFolder _folder = new();
    private SqliteDb _db;

    public SqliteReminderTableTests() => _db = Open();

    public void Dispose()
    {
        _db.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Upsert_ThenReopen_GivesTheReminderBack()
    {
        var etag = await Table().UpsertRow(Entry(s_grain));
        _db.Dispose();
        _db = Open();

        var read = await Table().ReadRow(s_grain, "wake");

        Assert.NotNull(read);
        Assert.Equal(Entry(s_grain).StartAt, read.StartAt);
        Assert.Equal(Entry(s_grain).Period, read.Period);
        Assert.Equal(etag, read.ETag);
    }

    private static ReminderEntry Entry(GrainId grain) => new()
    {
        GrainId = grain,
        ReminderName = "wake",
        StartAt = new DateTime(2026, 11, 24, 12, 0, 0, DateTimeKind.Utc),
        Period = TimeSpan.FromMinutes(1),
    };

    private SqliteDb Open() => new(_folder.PathTo("state.db"), SqliteReminderTable.Schema);
    private SqliteReminderTable Table() => new(_db, Options.Create(new ClusterOptions { ClusterId = "any", ServiceId = "emu3" }));
}
