namespace Emu3.Inference.Batching;

/// <summary>Rows that attend together, and how their keys are reached.</summary>
/// <param name="Start">Index of the first row.</param>
/// <param name="Count">Rows.</param>
/// <param name="BlockCount">Blocks of keys that the longest of them sees; the others see nothing in the blocks behind their own.</param>
/// <param name="IsInPlace">
/// True: the first blocks of all slots are read where they lie, whether or not a row is there. False: each row's blocks are copied behind each other first.
/// </param>
public readonly record struct AttentionPart(int Start, int Count, int BlockCount, bool IsInPlace);

/// <summary>
/// How the rows of a forward pass read the cache. All blocks of all rows of a part are one batch, so that the number of operations depends neither on the
/// context's length nor on the number of rows. The choice changes no row's bits.
/// </summary>
public static class AttentionPlan
{
    private const int CopyPrice = 3; // a copied block is read, written, and read again

    /// <param name="rows">Of the pass, at least one.</param>
    /// <param name="slotCount">Slots of the cache.</param>
    /// <param name="blockSize">Positions of a block.</param>
    /// <param name="mostCopied">Blocks that may be copied at once: bounds the memory of a pass. One row's are always copied together.</param>
    /// <param name="mostInPlace">Blocks that may be read in place at once.</param>
    /// <returns>They cover the rows, in their order. One, unless the rows see more blocks than may be taken at once.</returns>
    public static IReadOnlyList<AttentionPart> Of(IReadOnlyList<PlannedRow> rows, int slotCount, int blockSize, int mostCopied, int mostInPlace)
    {
        var blocks = BlockCount(rows, 0, rows.Count, blockSize);
        if (slotCount <= CopyPrice * rows.Count && slotCount * blocks <= mostInPlace && rows.DistinctBy(row => row.Slot).Count() == rows.Count)
            return [new AttentionPart(0, rows.Count, blocks, IsInPlace: true)];
        List<AttentionPart> parts = [];
        for (int start = 0, count; start < rows.Count; start += count)
        {
            blocks = 0;
            for (count = 0; start + count < rows.Count; count++)
            {
                var longer = Math.Max(blocks, BlockCount(rows, start + count, 1, blockSize));
                if (count > 0 && longer * (count + 1) > mostCopied)
                    break;
                blocks = longer;
            }
            parts.Add(new AttentionPart(start, count, blocks, IsInPlace: false));
        }
        return parts;
    }

    private static int BlockCount(IReadOnlyList<PlannedRow> rows, int start, int count, int blockSize) =>
        rows.Skip(start).Take(count).Max(row => row.Position) / blockSize + 1;
}
