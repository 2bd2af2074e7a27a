namespace Emu3.Cli.Batch.Plan;

/// <summary>An output that was handed to the gateway.</summary>
internal sealed record SubmittedOutput(OutputKey Key, string SpecHash, string? File);

/// <summary>A job that this batch started and has not brought to its end.</summary>
internal sealed class Submission(string key, IReadOnlyList<SubmittedOutput> outputs)
{
    public string Key { get; } = key;

    /// <summary>Null while the gateway's answer has not been written down.</summary>
    public string? Job { get; set; }

    /// <summary>All outcomes up to here are in the folder; null for none.</summary>
    public string? Cursor { get; set; }
    public IReadOnlyDictionary<OutputKey, SubmittedOutput> Outputs { get; } = outputs.ToDictionary(output => output.Key);
}

/// <summary>What the journal's lines add up to.</summary>
internal sealed class BatchHistory
{
    private readonly Dictionary<string, Submission> _open = [];
    private readonly Dictionary<OutputKey, JournalEntry.Failed> _failed = [];
    private readonly Dictionary<OutputKey, string> _latestKey = [];
    private readonly Dictionary<OutputKey, JournalEntry.Made> _made = [];
    private List<SubmittedOutput> _outputs = [];

    /// <summary>Seed of the batch; null before the first run.</summary>
    public string? Seed { get; private set; }

    /// <summary>Jobs that were started and not brought to their end, oldest first.</summary>
    public IReadOnlyCollection<Submission> Open => _open.Values;

    /// <summary>Outputs that failed, with what they would have been made from.</summary>
    public IReadOnlyDictionary<OutputKey, JournalEntry.Failed> Failed => _failed;

    /// <summary>The device that made an output; null where nobody told.</summary>
    public string? MadeBy(OutputKey output) => _made.GetValueOrDefault(output)?.By;

    /// <summary>An output belongs to the submission that named it last; what an older one gives is not wanted any more.</summary>
    public bool Wants(Submission submission, OutputKey output) => _latestKey.TryGetValue(output, out var key) && key == submission.Key;

    /// <summary>The open submission that will give an output.</summary>
    public SubmittedOutput? Awaited(OutputKey output) =>
        _latestKey.TryGetValue(output, out var key) && _open.TryGetValue(key, out var submission) ? submission.Outputs[output] : null;

    public void Apply(JournalEntry entry)
    {
        switch (entry)
        {
            case JournalEntry.Began began:
                Seed = began.Seed;
                break;
            case JournalEntry.Output output:
                _outputs.Add(new(new(output.Id, output.Sample), output.Spec, output.File));
                break;
            case JournalEntry.Submitting submitting:
                _open[submitting.Key] = new(submitting.Key, _outputs);
                foreach (var output in _outputs)
                {
                    _latestKey[output.Key] = submitting.Key;
                    _failed.Remove(output.Key);
                }

                _outputs = [];
                break;
            case JournalEntry.Accepted accepted when _open.TryGetValue(accepted.Key, out var submission):
                submission.Job = accepted.Job;
                break;
            case JournalEntry.Fetched fetched when _open.TryGetValue(fetched.Key, out var submission):
                submission.Cursor = fetched.Cursor;
                break;
            case JournalEntry.Made made:
                _made[new(made.Id, made.Sample)] = made;
                break;
            case JournalEntry.Failed failed:
                _failed[new(failed.Id, failed.Sample)] = failed;
                break;
            case JournalEntry.Closed closed:
                _open.Remove(closed.Key);
                break;
        }
    }

    /// <summary>Outputs whose <see cref="JournalEntry.Submitting"/> never came: the process ended between the two, and nothing was asked.</summary>
    public void DropUnfinishedSubmission() => _outputs = [];

    /// <summary>The shortest journal that adds up to the same; only when no job is open.</summary>
    public IEnumerable<JournalEntry> Compacted() =>
        [.. Seed is null ? Array.Empty<JournalEntry>() : [new JournalEntry.Began(Seed)], .. _made.Values, .. _failed.Values];
}
