using System.Text.RegularExpressions;

namespace Emu3.Benchmarks.Fuzz.Document;

/// <summary>What became of the requests of a run, by operation.</summary>
internal sealed partial class DocumentTally
{
    private readonly SortedDictionary<string, Row> _rows = new(StringComparer.Ordinal);
    private readonly List<string> _violations = [];
    private readonly Dictionary<string, int> _reasons = new(StringComparer.Ordinal);

    /// <summary>Everything that is not as the document says.</summary>
    public IReadOnlyList<string> Violations => _violations;

    public int RequestCount => _rows.Values.Sum(row => row.Allowed + row.Broken);

    /// <summary>Operations that nothing was ever asked of, or that never did what they are for.</summary>
    public IEnumerable<string> NeverDone => _rows.Where(row => row.Value.Done == 0).Select(row => row.Key);

    public void Begin(IEnumerable<Description.ApiOperation> operations)
    {
        foreach (var operation in operations) _rows[operation.Name] = new();
    }

    public void Add(DocumentRequest request, int status)
    {
        var row = _rows[request.Operation.Name];
        if (request.IsAllowed) row.Allowed++;
        else row.Broken++;
        if (request.IsAllowed && status < 400) row.Done++;
        if (request.IsAllowed && status is 400 or 415) row.Refused++;
        row.Statuses[status] = row.Statuses.GetValueOrDefault(status) + 1;
    }

    /// <summary>Why something that the schemas allow was refused.</summary>
    public void AddReason(string message)
    {
        // Numbers and names differ, the rule is the same.
        var reason = Names().Replace(message, "…");
        _reasons[reason] = _reasons.GetValueOrDefault(reason) + 1;
    }

    /// <summary>Reasons of refusals and how often each came.</summary>
    public IEnumerable<string[]> Reasons() => _reasons.OrderByDescending(reason => reason.Value).Select(reason => (string[])[reason.Key.ReplaceLineEndings(" ").Replace("|", "/", StringComparison.Ordinal), $"{reason.Value}"]);

    [GeneratedRegex("\"[^\"]*\"|[a-z]+[_-][0-9a-f]{16,}|[0-9]+")]
    private static partial Regex Names();

    /// <summary>Each kind of violation is told once.</summary>
    public void AddViolation(string violation)
    {
        if (_violations.Count < 200 && !_violations.Contains(violation)) _violations.Add(violation);
    }

    /// <summary>Rows of a table.</summary>
    public IEnumerable<string[]> Rows() => _rows.Select(row => (string[])
    [
        $"`{row.Key}`", $"{row.Value.Allowed}", $"{row.Value.Done}", $"{row.Value.Refused}", $"{row.Value.Broken}",
        string.Join(", ", row.Value.Statuses.Select(status => $"{status.Key} × {status.Value}")),
    ]);

    public override string ToString() =>
        $"{RequestCount} requests to {_rows.Count} operations: {_rows.Values.Sum(row => row.Done)} of {_rows.Values.Sum(row => row.Allowed)} allowed ones done, {_rows.Values.Sum(row => row.Broken)} forbidden ones refused; violations {Violations.Count}";

    private sealed class Row
    {
        public int Allowed { get; set; }
        public int Broken { get; set; }
        public int Done { get; set; }
        public int Refused { get; set; }
        public SortedDictionary<int, int> Statuses { get; } = [];
    }
}
