using System.Collections.Concurrent;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>Counts of a run. May be added to from several threads.</summary>
internal sealed class FuzzVerdict
{
    private readonly ConcurrentDictionary<(string Route, FuzzOutcome Outcome), int> _byRoute = new();
    private readonly ConcurrentDictionary<(string Kind, FuzzOutcome Outcome), int> _byKind = new();
    private int _inside;

    public int RequestCount => _byRoute.Values.Sum();

    /// <summary>Errors in the gateway's log: of them nobody may have been told.</summary>
    public int InsideCount => _inside;

    /// <summary>Null: grew less than the bound. Else: what grew, and how much.</summary>
    public string? Growth { get; set; }

    public bool IsClean => InsideCount == 0 && Growth is null && Enum.GetValues<FuzzOutcome>().Where(IsViolation).All(outcome => Count(outcome) == 0);

    public static bool IsViolation(FuzzOutcome outcome) => outcome >= FuzzOutcome.ServerError;

    public void Add(FuzzRequest request, FuzzOutcome outcome)
    {
        _byRoute.AddOrUpdate((request.Route, outcome), 1, (_, count) => count + 1);
        // Of several changes the first stands for all.
        _byKind.AddOrUpdate((request.Mutations.Count == 0 ? request.Kind : request.Mutations[0], outcome), 1, (_, count) => count + 1);
    }

    /// <summary>A process ended that should not have.</summary>
    public void AddCrash(string process) => _byRoute.AddOrUpdate((process, FuzzOutcome.Crash), 1, (_, count) => count + 1);

    public void AddInside(int count) => Interlocked.Add(ref _inside, count);

    public int Count(FuzzOutcome outcome) => _byRoute.Where(entry => entry.Key.Outcome == outcome).Sum(entry => entry.Value);

    /// <summary>Rows of tables: a name, then requests, successes, refusals, refusals by the server, cut, violations.</summary>
    public IEnumerable<string[]> RowsByRoute() => Rows(_byRoute.Select(entry => (entry.Key.Route, entry.Key.Outcome, entry.Value)));

    /// <summary>The same by the first change.</summary>
    public IEnumerable<string[]> RowsByKind() => Rows(_byKind.Select(entry => (entry.Key.Kind, entry.Key.Outcome, entry.Value)));

    public override string ToString() =>
        $"{RequestCount} requests: 2xx {Count(FuzzOutcome.Success)}, 4xx {Count(FuzzOutcome.Refusal)}, refused by the parser {Count(FuzzOutcome.ParserRefusal)}, cut {Count(FuzzOutcome.Cut)}; "
        + $"5xx {Count(FuzzOutcome.ServerError)}, crashes {Count(FuzzOutcome.Crash)}, hangs {Count(FuzzOutcome.Hang)}, unanswered {Count(FuzzOutcome.Unanswered)}, "
        + $"malformed errors {Count(FuzzOutcome.Malformed)}, unnamed {Count(FuzzOutcome.Unnamed)}, failures inside {InsideCount}, growth {(Growth is null ? 0 : 1)}";

    private static IEnumerable<string[]> Rows(IEnumerable<(string Name, FuzzOutcome Outcome, int Count)> entries) =>
        from entry in entries
        group entry by entry.Name into name
        orderby name.Key
        select (string[])
        [
            $"`{name.Key}`", $"{name.Sum(entry => entry.Count)}",
            .. new[] { FuzzOutcome.Success, FuzzOutcome.Refusal, FuzzOutcome.ParserRefusal, FuzzOutcome.Cut }
                .Select(outcome => $"{name.Where(entry => entry.Outcome == outcome).Sum(entry => entry.Count)}"),
            $"{name.Where(entry => IsViolation(entry.Outcome)).Sum(entry => entry.Count)}",
        ];
}
