namespace Emu3.Cli.Devices;

/// <summary>
/// When a child that ended is started again, and when not any more. Waits double with each end in a row up to a longest one, and begin anew after the child
/// did its work for a while. A child that says the same three times in a row, why it can't load its model, will say it for ever: it is given up.
/// One that was killed from outside is not to blame, however often that happens.
/// </summary>
internal sealed record RestartPolicy
{
    /// <summary>Wait before the first restart.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromMilliseconds(250);

    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>So long a child must have been ready for what was before to be forgotten.</summary>
    public TimeSpan StableAfter { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Loads in a row that may fail for one reason.</summary>
    public int MaxSameFailures { get; init; } = 3;

    /// <summary>Decides what follows the end of a child.</summary>
    /// <param name="history">What this gave after the end before; <see cref="ChildHistory.None"/> at first.</param>
    /// <param name="end">How it ended.</param>
    public (ChildHistory History, Verdict Verdict) After(ChildHistory history, ChildEnd end)
    {
        var endsInARow = (end.ReadyFor >= StableAfter ? 0 : history.EndsInARow) + 1;
        var sameFailures = end.LoadFailure is null ? 0 : end.LoadFailure == history.LoadFailure ? history.SameFailures + 1 : 1;
        var now = new ChildHistory(endsInARow, end.LoadFailure, sameFailures);
        return sameFailures >= MaxSameFailures ? (now, new Verdict.GiveUp(end.LoadFailure!)) : (now, new Verdict.Restart(WaitAfter(endsInARow)));
    }

    private TimeSpan WaitAfter(int endsInARow)
    {
        var wait = FirstWait;
        for (var end = 1; end < endsInARow && wait < LongestWait; end++)
        {
            wait *= 2;
        }

        return wait < LongestWait ? wait : LongestWait;
    }
}

/// <summary>How a child ended.</summary>
/// <param name="ReadyFor">How long it took work; null when it never did.</param>
/// <param name="LoadFailure">Why it could not load its model; null when that is not why it ended.</param>
internal sealed record ChildEnd(TimeSpan? ReadyFor, string? LoadFailure);

/// <summary>The ends of one child so far, as far as they matter.</summary>
internal sealed record ChildHistory(int EndsInARow, string? LoadFailure, int SameFailures)
{
    public static ChildHistory None { get; } = new(0, null, 0);
}

/// <summary>What to do about a child that ended.</summary>
internal abstract record Verdict
{
    private Verdict()
    {
    }

    public sealed record Restart(TimeSpan After) : Verdict;

    public sealed record GiveUp(string Reason) : Verdict;
}
