namespace Emu3.Grains.Interfaces;

/// <summary>What a watcher of a job is told.</summary>
[GenerateSerializer, Immutable, Alias("emu3.JobEvent")]
public sealed record JobEvent
{
    /// <summary>Where to go on after this event.</summary>
    [Id(0)] public required JobCursor Cursor { get; init; }

    /// <summary>The job at the time of the event.</summary>
    [Id(1)] public required JobSnapshot Job { get; init; }

    /// <summary>The item that ended; null when this event only tells progress or the end of the job.</summary>
    [Id(2)] public ItemOutcome? Outcome { get; init; }

    /// <summary>The job has ended and every outcome was told: no event follows, unless its failed items are begun anew.</summary>
    [Id(3)] public bool IsLast { get; init; }
}

/// <summary>
/// How many outcomes of each shard a watcher has seen. Outcomes of a shard have a durable order, so the cursor means the same
/// after any crash. An item that was begun anew has an outcome for each attempt. Text form: counts separated by dots, a trailing run of zeros left out.
/// </summary>
[GenerateSerializer, Immutable, Alias("emu3.JobCursor")]
public sealed record JobCursor([property: Id(0)] IReadOnlyList<int> Seen)
{
    public static JobCursor Start { get; } = new([]);

    /// <summary>Outcomes seen of a shard.</summary>
    public int Of(int shard) => shard < Seen.Count ? Seen[shard] : 0;

    /// <summary>The cursor after one more outcome of a shard.</summary>
    public JobCursor Advance(int shard)
    {
        var seen = new int[Math.Max(Seen.Count, shard + 1)];
        for (var i = 0; i < Seen.Count; i++) seen[i] = Seen[i];
        seen[shard]++;
        return new(seen);
    }

    public override string ToString() => string.Join('.', Seen);

    /// <summary>Reads the text form; anything else is refused.</summary>
    public static bool TryParse(string? text, out JobCursor cursor)
    {
        cursor = Start;
        if (string.IsNullOrEmpty(text)) return text is not null;
        var parts = text.Split('.');
        var seen = new int[parts.Length];
        for (var i = 0; i < parts.Length; i++)
            if (!int.TryParse(parts[i], System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out seen[i])) return false;
        cursor = new(seen);
        return true;
    }
}

/// <summary>How one item ended, in one attempt of its job.</summary>
[GenerateSerializer, Immutable, Alias("emu3.ItemOutcome")]
public sealed record ItemOutcome
{
    /// <summary>Index of the item in its job, in the order of submission.</summary>
    [Id(0)] public required int Item { get; init; }
    [Id(1)] public required ItemStatus Status { get; init; }
    [Id(2)] public required ItemSpec Spec { get; init; }

    /// <summary>Set when <see cref="Status"/> is Done.</summary>
    [Id(3)] public ItemResult? Result { get; init; }

    /// <summary>Set when <see cref="Status"/> is Failed.</summary>
    [Id(4)] public ItemFailure? Failure { get; init; }
}
