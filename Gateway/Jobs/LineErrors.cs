using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Jobs;

/// <summary>Errors of several checks that run at once.</summary>
/// <param name="terms">How many are kept.</param>
internal sealed class LineErrors(SubmissionTerms terms)
{
    private readonly List<LineError> _errors = [];
    private readonly HashSet<int> _lines = [];
    private readonly Lock _lock = new();

    public bool HasAny { get { lock (_lock) return _errors.Count > 0; } }

    public bool IsFull { get { lock (_lock) return _errors.Count >= terms.MaxErrors; } }

    public void Add(int line, ItemError error) => Add(line, [error]);

    public void Add(int line, IReadOnlyList<ItemError> errors)
    {
        lock (_lock)
        {
            foreach (var error in errors)
                if (_errors.Count < terms.MaxErrors && (_lines.Add(line) || !terms.KeepsOneErrorPerLine)) _errors.Add(new(line, error.Param, error.Message));
        }
    }

    public IReadOnlyList<LineError> Sorted()
    {
        lock (_lock) return [.. _errors.OrderBy(error => error.Line)];
    }
}
