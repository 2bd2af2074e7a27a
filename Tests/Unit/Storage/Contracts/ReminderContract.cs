using System.Globalization;

namespace Emu3.Tests.Unit.Storage.Contracts;

public abstract class ReminderContract : StoreContract
{
    private static readonly GrainId s_grain = GrainId.Create("index", "3");

    private IReminderTable Table => Stores.Reminders;

    [Fact]
    public async Task Upsert_IsReadByAnotherProcess()
    {
        var etag = await Table.UpsertRow(Entry(s_grain), Cancellation);

        var read = await (await OpenAsync("another-cluster")).Reminders.ReadRow(s_grain, "wake", Cancellation);

        Assert.NotNull(read);
        Assert.Equal((Entry(s_grain).GrainId, Entry(s_grain).StartAt, Entry(s_grain).Period, etag), (read.GrainId, read.StartAt, read.Period, read.ETag));
        Assert.Null(await Table.ReadRow(s_grain, "sleep", Cancellation));
    }

    [Fact]
    public async Task Upsert_OfOneThatIsThere_ReplacesIt()
    {
        await Table.UpsertRow(Entry(s_grain), Cancellation);
        var longer = Entry(s_grain);
        longer.Period = TimeSpan.FromDays(40);

        await Table.UpsertRow(longer, Cancellation);

        Assert.Equal(longer.Period, Assert.Single((await Table.ReadRows(s_grain, Cancellation)).Reminders).Period);
    }

    [Fact]
    public async Task Upserts_ManyAtOnce_GiveEachAnETagOfItsOwn()
    {
        var etags = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Table.UpsertRow(Entry(s_grain), Cancellation)));

        Assert.Equal(10, etags.Distinct().Count());
        Assert.Single((await Table.ReadRows(s_grain, Cancellation)).Reminders);
    }

    [Fact]
    public async Task Remove_WithAnOldETag_IsRefused()
    {
        var first = await Table.UpsertRow(Entry(s_grain), Cancellation);
        var second = await Table.UpsertRow(Entry(s_grain), Cancellation);

        Assert.False(await Table.RemoveRow(s_grain, "wake", first!, Cancellation));
        Assert.True(await Table.RemoveRow(s_grain, "wake", second!, Cancellation));
        Assert.Null(await Table.ReadRow(s_grain, "wake", Cancellation));
    }

    [Fact]
    public async Task ReadRows_ARangeAndTheRestOfTheRing_ShareAllReminders()
    {
        var grains = Enumerable.Range(0, 40).Select(number => GrainId.Create("index", number.ToString(CultureInfo.InvariantCulture))).ToList();
        foreach (var grain in grains) await Table.UpsertRow(Entry(grain), Cancellation);

        foreach (var (begin, end) in ((uint, uint)[])[(0x4000_0000, 0xC000_0000), (0x1000_0000, 0x7000_0000), (0xA000_0000, 0xF000_0000)])
        {
            var inside = (await Table.ReadRows(begin, end, Cancellation)).Reminders;
            var outside = (await Table.ReadRows(end, begin, Cancellation)).Reminders;

            Assert.All(inside, entry => Assert.InRange(entry.GrainId.GetUniformHashCode(), begin + 1, end));
            Assert.Equal(grains.Order(), inside.Concat(outside).Select(entry => entry.GrainId).Order());
        }

        Assert.Equal(40, (await Table.ReadRows(5, 5, Cancellation)).Reminders.Count); // the whole ring
    }

    private static ReminderEntry Entry(GrainId grain) => new()
    {
        GrainId = grain,
        ReminderName = "wake",
        StartAt = new DateTime(2026, 11, 24, 12, 0, 0, DateTimeKind.Utc),
        Period = TimeSpan.FromMinutes(1),
    };
}
