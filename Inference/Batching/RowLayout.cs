namespace Emu3.Inference.Batching;

/// <summary>Rows that attend together.</summary>
/// <param name="Start">Index of the first row.</param>
/// <param name="Count">Rows.</param>
/// <param name="FirstSlot">Row i is in slot <paramref name="FirstSlot"/> + i, and the cache is read in place; −1: slots in any order, read through a copy.</param>
/// <param name="LastPosition">The largest position of a row.</param>
public readonly record struct RowGroup(int Start, int Count, int FirstSlot, int LastPosition);

/// <summary>
/// The order of rows within a forward pass: one row for each of several consecutive slots makes a group that reads the cache in place.
/// The order changes no row's bits.
/// </summary>
/// <param name="Rows">All rows, in their new order.</param>
/// <param name="Order">Of each row, its index in the old order.</param>
/// <param name="Groups">They cover the rows, in their order.</param>
public sealed record RowLayout(IReadOnlyList<PlannedRow> Rows, IReadOnlyList<int> Order, IReadOnlyList<RowGroup> Groups)
{
    private const int ShortestRun = 4; // below this, a group of its own costs more than the copy
    private const int LongestCopy = 64; // rows whose keys are copied at once

    public static RowLayout Of(IReadOnlyList<PlannedRow> rows)
    {
        List<int> order = [], rest = [];
        List<RowGroup> groups = [];
        var nth = new Dictionary<int, int>(); // how many rows of a slot came before
        var rank = rows.Select(row => nth[row.Slot] = nth.GetValueOrDefault(row.Slot, -1) + 1).ToArray();
        var sorted = Enumerable.Range(0, rows.Count).OrderBy(i => rank[i]).ThenBy(i => rows[i].Slot).ToArray();
        for (int from = 0, to; from < sorted.Length; from = to)
        {
            for (to = from + 1; to < sorted.Length && rank[sorted[to]] == rank[sorted[from]] && rows[sorted[to]].Slot == rows[sorted[to - 1]].Slot + 1;)
                to++;
            if (to - from >= ShortestRun || to - from == sorted.Length)
                Add(sorted[from..to], rows[sorted[from]].Slot);
            else
                rest.AddRange(sorted[from..to]);
        }
        foreach (var copied in rest.Chunk(LongestCopy))
            Add(copied, -1);
        return new RowLayout([.. order.Select(i => rows[i])], order, groups);

        void Add(int[] group, int firstSlot)
        {
            groups.Add(new RowGroup(order.Count, group.Length, firstSlot, group.Max(i => rows[i].Position)));
            order.AddRange(group);
        }
    }
}
