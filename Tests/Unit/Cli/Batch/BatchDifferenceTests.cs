using Emu3.Cli.Batch.Plan;

namespace Emu3.Tests.Unit.Cli.Batch;

[Trait("Suite", "Fast")]
public sealed class BatchDifferenceTests
{
    private static readonly PlannedOutput s_output = new(new("star", 0), 0, 0, 7, "now", ".png");

    [Fact]
    public void Output_NeverSeen_IsNew() => Assert.Equal(OutputStatus.New, Standing([], null));

    [Theory]
    [InlineData("now", true, "Done")]
    [InlineData("now", false, "New")]
    [InlineData("before", true, "Changed")]
    [InlineData("before", false, "New")]
    public void Output_Recorded_IsDoneNewOrChanged(string recorded, bool isThere, string itemView) =>
        Assert.Equal(itemView, Standing([], recorded, isThere).ToString());

    [Theory]
    [InlineData("now", "Underway")]
    [InlineData("before", "Changed")]
    public void Output_InAnOpenJob_IsUnderwayOrChanged(string submitted, string itemView) =>
        Assert.Equal(itemView, Standing([Submit(submitted), new JournalEntry.Submitting("k")], null).ToString());

    [Fact]
    public void Output_WhoseSubmissionWasNeverFinished_IsNew() => Assert.Equal(OutputStatus.New, Standing([Submit("now")], null));

    [Fact]
    public void Output_WhoseJobClosedWithoutIt_IsNew() =>
        Assert.Equal(OutputStatus.New, Standing([Submit("now"), new JournalEntry.Submitting("k"), new JournalEntry.Closed("k")], null));

    [Theory]
    [InlineData("now", "Failed")]
    [InlineData("before", "New")]
    public void Output_ThatFailed_IsFailedUntilItIsMended(string failed, string itemView) =>
        Assert.Equal(itemView, Standing([Submit(failed), new JournalEntry.Submitting("k"), new JournalEntry.Failed("star", 0, failed, "why")], null).ToString());

    [Fact]
    public void Output_SubmittedAgainAfterItFailed_IsUnderway() => Assert.Equal(OutputStatus.Underway, Standing(
        [new JournalEntry.Failed("star", 0, "now", "why"), Submit("now"), new JournalEntry.Submitting("k")], null));

    [Fact]
    public void Output_OverwrittenWhileTheNewJobRuns_IsUnderway() => Assert.Equal(OutputStatus.Underway, Standing(
        [Submit("now"), new JournalEntry.Submitting("k")], "before"));

    [Fact]
    public void Output_NamedByTwoSubmissions_BelongsToTheLater()
    {
        var history = History([Submit("before"), new JournalEntry.Submitting("k1"), Submit("now"), new JournalEntry.Submitting("k2")]);
        Assert.Equal([false, true], history.Open.Select(submission => history.Wants(submission, s_output.Key)));
    }

    [Fact]
    public void History_Compacted_KeepsSeedAndFailures_AndAddsUpToTheSame()
    {
        var failed = new JournalEntry.Failed("star", 0, "now", "why");
        var history = History([new JournalEntry.Began("12"), Submit("now"), new JournalEntry.Submitting("k"), failed, new JournalEntry.Closed("k")]);
        Assert.Equal([new JournalEntry.Began("12"), failed], history.Compacted());
    }

    [Fact]
    public void Summary_TellsDoneNewChanged()
    {
        var outputs = Enumerable.Range(0, 4).Select(i => s_output with { Key = new($"o{i}", 0) }).ToList();
        var records = new Dictionary<OutputKey, MetadataRecord> { [outputs[0].Key] = Record("now", outputs[0].Key), [outputs[1].Key] = Record("before", outputs[1].Key) };
        Assert.Equal("1 done, 2 new, 1 changed", BatchDifference.Between(outputs, records, History([]), _ => true).Summary());
    }

    [Fact]
    public void JournalEntry_ThereAndBack_IsTheSame()
    {
        JournalEntry[] entries =
        [
            new JournalEntry.Began("18446744073709551615"), new JournalEntry.Output("ü\n\"", 3, "s", null), new JournalEntry.Submitting("k"),
            new JournalEntry.Accepted("k", "job_1"), new JournalEntry.Fetched("k", "1.2"), new JournalEntry.Failed("a", 0, "s", "r"), new JournalEntry.Closed("k"),
        ];
        Assert.Equal(entries, entries.Select(entry => JournalEntry.FromLine(entry.ToLine())));
        Assert.All(entries, entry => Assert.DoesNotContain('\n', entry.ToLine()));
    }

    private static JournalEntry.Output Submit(string spec) => new("star", 0, spec, "star.png");

    private static MetadataRecord Record(string spec, OutputKey? key = null) => new(key ?? s_output.Key, spec, "star.png", true, "{}");

    private static OutputStatus Standing(JournalEntry[] entries, string? recorded, bool isThere = true)
    {
        var records = new Dictionary<OutputKey, MetadataRecord>();
        if (recorded is not null)
        {
            records[s_output.Key] = Record(recorded);
        }

        var difference = BatchDifference.Between([s_output], records, History(entries), _ => isThere);
        return Enum.GetValues<OutputStatus>().Single(itemView => difference[itemView].Count == 1);
    }

    private static BatchHistory History(IEnumerable<JournalEntry> entries)
    {
        var history = new BatchHistory();
        foreach (var entry in entries)
        {
            history.Apply(entry);
        }

        history.DropUnfinishedSubmission();
        return history;
    }
}
