using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Batches;

/// <summary>
/// Puts the outputs of a batch's requests together again. A request is answered as if it had been made by itself: with all of its outputs, in their order, or
/// with the first thing that went wrong. It ends with the outcome that decides that, so that its place among the others never changes.
/// </summary>
internal sealed class BatchRequestEnds(BatchLayout layout)
{
    private readonly Dictionary<int, List<ItemOutcome>> _open = [];
    private readonly HashSet<int> _ended = [];

    /// <summary>The outcomes that answer the request which ends with this one; empty when none does.</summary>
    public IReadOnlyList<ItemOutcome> Add(ItemOutcome outcome)
    {
        if (layout.IsOneEach) return [outcome];
        var line = layout.LineOf(outcome.Item);
        if (_ended.Contains(line)) return [];
        if (outcome.Status != ItemStatus.Done)
        {
            End(line);
            return [outcome];
        }

        if (!_open.TryGetValue(line, out var done)) _open.Add(line, done = []);
        done.Add(outcome);
        if (done.Count < layout.SampleCount(line)) return [];
        End(line);
        return [.. done.OrderBy(one => one.Item)];
    }

    private void End(int line)
    {
        _open.Remove(line);
        _ended.Add(line);
    }
}
