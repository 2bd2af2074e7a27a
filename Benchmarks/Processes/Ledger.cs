using System.Text.Json;
using Emu3.Grains.Interfaces;

namespace Emu3.Benchmarks.Processes;

/// <summary>
/// Keeps account of what a follower of one job was told: how often each item ended, whether the ids of the events have a gap or go back, how often the
/// job ended. No I/O, no clock.
/// </summary>
/// <param name="itemCount">Items of the job.</param>
internal sealed class Ledger(int itemCount)
{
    private readonly Dictionary<int, SeenOutcome> _outcomes = [];
    private JobCursor _cursor = JobCursor.Start;

    /// <summary>Outcomes of which the first telling is here, by item.</summary>
    public IReadOnlyDictionary<int, SeenOutcome> Outcomes => _outcomes;

    /// <summary>Outcomes that were told again.</summary>
    public int RepeatCount { get; private set; }

    /// <summary>Events whose id is not the one that follows: something before them was left out, or came out of order.</summary>
    public int GapCount { get; private set; }

    /// <summary>Terminal events.</summary>
    public int EndCount { get; private set; }

    /// <summary>Done items that went on from tokens of an earlier worker, as the job's end tells it.</summary>
    public int ResumedCount { get; private set; }

    /// <summary>Takes the next event.</summary>
    public void Take(SeenEvent seen)
    {
        using var data = JsonDocument.Parse(seen.Data);
        switch (seen.Type)
        {
            case "item":
                var outcome = SeenOutcome.From(data.RootElement.GetProperty("outcome"));
                _cursor = _cursor.Advance(outcome.Index / JobId.ItemsInShard);
                if (!_outcomes.TryAdd(outcome.Index, outcome)) RepeatCount++;
                break;
            case "done":
                EndCount++;
                ResumedCount = data.RootElement.GetProperty("resumed_inside").GetInt32();
                break;
        }

        if ((seen.Id ?? "") == _cursor.ToString()) return;
        GapCount++;
        if (JobCursor.TryParse(seen.Id ?? "", out var told)) _cursor = told; // counted once, not with every event from here on
    }

    /// <summary>What the account comes to, item by item against an undisturbed run.</summary>
    /// <param name="undisturbed">The outcome that an undisturbed run gave an item.</param>
    public Verdict Judge(Func<int, SeenOutcome> undisturbed)
    {
        var verdict = new Verdict { Resumed = ResumedCount }
            + Verdict.Lose(GapCount, "gaps in its events")
            + Verdict.Lose(EndCount == 0 ? 1 : 0, "end")
            + Verdict.Repeat(RepeatCount, "outcomes told again")
            + Verdict.Repeat(Math.Max(0, EndCount - 1), "ends told again");
        for (var item = 0; item < itemCount; item++)
        {
            if (!_outcomes.TryGetValue(item, out var outcome)) verdict += Verdict.Lose(1, $"item {item}");
            else if (outcome.Error == PoisonCode) verdict += new Verdict { Poisoned = 1, Findings = [$"item {item} was poisoned"] };
            else if (outcome.Status != "done") verdict += Verdict.Lose(1, $"{outcome}");
            else if (undisturbed(item) is var expected && (outcome.TokensHash, outcome.FileHash) != (expected.TokensHash, expected.FileHash)) verdict += Verdict.Differ(1, $"{outcome}, not {expected}");
            else verdict += new Verdict { Right = 1 };
        }

        return verdict;
    }

    private const string PoisonCode = "item_poisoned";
}

/// <summary>What became of items. Its text is the last line of a run.</summary>
internal readonly record struct Verdict
{
    /// <summary>Items with the outcome, tokens and file of an undisturbed run, told once.</summary>
    public int Right { get; init; }

    /// <summary>Items without an outcome or a file, gaps in streams of events, jobs without an end.</summary>
    public int Lost { get; init; }

    /// <summary>Outcomes and ends that were told more than once, or differently.</summary>
    public int Twice { get; init; }

    /// <summary>Done items with other tokens or another file.</summary>
    public int Different { get; init; }

    /// <summary>Items that were given up because workers died with them.</summary>
    public int Poisoned { get; init; }

    /// <summary>Done items that went on inside from the tokens of an earlier worker.</summary>
    public int Resumed { get; init; }

    /// <summary>What is not as it should be, one sentence each.</summary>
    public IReadOnlyList<string> Findings { get => field ?? []; init; }

    public bool IsClean => Lost + Twice + Different + Poisoned == 0;

    public static Verdict Lose(int count, string what) => count == 0 ? default : new() { Lost = count, Findings = [$"lost {count}: {what}"] };

    public static Verdict Repeat(int count, string what) => count == 0 ? default : new() { Twice = count, Findings = [$"twice {count}: {what}"] };

    public static Verdict Differ(int count, string what) => count == 0 ? default : new() { Different = count, Findings = [$"different {count}: {what}"] };

    public static Verdict operator +(Verdict a, Verdict b) => new()
    {
        Right = a.Right + b.Right,
        Lost = a.Lost + b.Lost,
        Twice = a.Twice + b.Twice,
        Different = a.Different + b.Different,
        Poisoned = a.Poisoned + b.Poisoned,
        Resumed = a.Resumed + b.Resumed,
        Findings = [.. a.Findings, .. b.Findings],
    };

    public override string ToString() =>
        $"lost {Lost}, twice {Twice}, different {Different}, poisoned {Poisoned}{string.Concat(Findings.Take(FindingsTold).Select(finding => $"; {finding}"))}";

    private const int FindingsTold = 8;
}
