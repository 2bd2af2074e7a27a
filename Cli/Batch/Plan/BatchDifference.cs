namespace Emu3.Cli.Batch.Plan;

/// <summary>What an output of the input is, compared with what the output folder has.</summary>
internal enum OutputStatus
{
    /// <summary>In the folder, made from this very item.</summary>
    Done,

    /// <summary>Not in the folder, and nobody works on it.</summary>
    New,

    /// <summary>A job of an earlier run of this batch makes it.</summary>
    Underway,

    /// <summary>In the folder or underway, but made from another prompt, setting or model.</summary>
    Changed,

    /// <summary>It was tried and failed.</summary>
    Failed,
}

/// <summary>The input against the folder: what is done, and what there is to do.</summary>
internal sealed class BatchDifference
{
    private readonly Dictionary<OutputStatus, List<PlannedOutput>> _outputs;

    private BatchDifference(Dictionary<OutputStatus, List<PlannedOutput>> outputs) => _outputs = outputs;

    public IReadOnlyList<PlannedOutput> this[OutputStatus status] => _outputs[status];

    /// <summary>Compares.</summary>
    /// <param name="planned">What the input asks for.</param>
    /// <param name="records">What <c>metadata.jsonl</c> has.</param>
    /// <param name="history">What the journal has.</param>
    /// <param name="isThere">Whether the file of a record still is in the folder.</param>
    public static BatchDifference Between(
        IEnumerable<PlannedOutput> planned, IReadOnlyDictionary<OutputKey, MetadataRecord> records, BatchHistory history, Func<MetadataRecord, bool> isThere)
    {
        var outputs = Enum.GetValues<OutputStatus>().ToDictionary(status => status, _ => new List<PlannedOutput>());
        foreach (var output in planned)
        {
            outputs[Standing(output, records, history, isThere)].Add(output);
        }

        return new(outputs);
    }

    private static OutputStatus Standing(
        PlannedOutput output, IReadOnlyDictionary<OutputKey, MetadataRecord> records, BatchHistory history, Func<MetadataRecord, bool> isThere)
    {
        if (records.TryGetValue(output.Key, out var record) && isThere(record))
        {
            if (record.SpecHash == output.SpecHash)
            {
                return OutputStatus.Done;
            }

            // Someone allowed the change in an earlier run, and its job is still open.
            return history.Awaited(output.Key)?.SpecHash == output.SpecHash ? OutputStatus.Underway : OutputStatus.Changed;
        }

        // Its job is still open, and the file that the record tells of is gone: what the job gave was fetched and released.
        if (record is null && history.Awaited(output.Key) is { } awaited)
        {
            return awaited.SpecHash == output.SpecHash && !history.Failed.ContainsKey(output.Key) ? OutputStatus.Underway
                : history.Failed.ContainsKey(output.Key) ? FailedOrNew(output, history)
                : OutputStatus.Changed;
        }

        return FailedOrNew(output, history);
    }

    // A failed item that was mended since is a new one.
    private static OutputStatus FailedOrNew(PlannedOutput output, BatchHistory history) =>
        history.Failed.TryGetValue(output.Key, out var failed) && failed.Spec == output.SpecHash ? OutputStatus.Failed : OutputStatus.New;

    /// <summary>The line that a run begins with.</summary>
    public string Summary()
    {
        var underway = this[OutputStatus.Underway].Count;
        var failed = this[OutputStatus.Failed].Count;
        return $"{this[OutputStatus.Done].Count} done, {this[OutputStatus.New].Count + underway} new, {this[OutputStatus.Changed].Count} changed"
            + (failed > 0 ? $", {failed} failed before" : "")
            + (underway > 0 ? $" ({underway} of the new are underway in a job of an earlier run)" : "");
    }
}
