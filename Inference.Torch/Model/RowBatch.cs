using Emu3.Inference.Batching;
using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>The rows of one forward pass as tensors; lives in the dispose scope of the pass.</summary>
internal sealed class RowBatch
{
    /// <param name="rows">Of the pass.</param>
    /// <param name="floor">Linear layers see a multiple of this many rows: copies of the first fill up.</param>
    /// <param name="cache">Where the rows' slots are.</param>
    /// <param name="link">Takes the indices to the device, in one piece.</param>
    public RowBatch(IReadOnlyList<PlannedRow> rows, int floor, KvCache cache, HostLink link)
    {
        Count = rows.Count;
        PaddedCount = (Count + floor - 1) / floor * floor;
        var padded = rows.Concat(Enumerable.Repeat(rows[0], PaddedCount - Count)).ToArray();
        var indices = new IndexList();
        var (tokens, positions) = (indices.Add(padded.Select(row => (long)row.Token)), indices.Add(rows.Select(row => (long)row.Position)));
        var blocks = indices.Add(rows.Select(row => cache.BlockOf(row.Slot, row.Position / cache.BlockSize)));
        var offsets = indices.Add(rows.Select(row => (long)row.Position % cache.BlockSize));
        var parts = AttentionPlan.Of(rows, cache.SlotCount, cache.BlockSize, cache.MaxCopied, cache.MaxInPlace)
            .Select(part => new PartIndices(part, rows, cache, indices)).ToArray();
        indices.Send(link);
        (Tokens, Positions) = (indices.At(tokens), indices.At(positions));
        Places = new KvCache.Places(indices.At(blocks), indices.At(offsets));
        Parts = [.. parts.Select(part => part.Build(indices, cache))];
    }

    /// <summary>Rows that are someone's.</summary>
    public int Count { get; }

    /// <summary>Rows with those that fill up behind them.</summary>
    public int PaddedCount { get; }

    public Tensor Tokens { get; } // [padded rows]
    public Tensor Positions { get; } // [rows]
    public KvCache.Places Places { get; }
    public IReadOnlyList<Part> Parts { get; }

    /// <summary>Rows that attend together. A unit is one row's, or in place one slot's, block of keys; blocks are the outer dimension of units.</summary>
    /// <param name="Rows">Which.</param>
    /// <param name="LaneCount">Units of each block: the rows, or in place all slots.</param>
    /// <param name="Queries">The row whose query a unit takes; [units]</param>
    /// <param name="Blocks">The unit's block in the cache; null in place, where they are the first ones. [units]</param>
    /// <param name="Mask">0 where a unit's query sees a position, else hidden; float32 [units, 1, block]</param>
    /// <param name="Lanes">The lane of each row; null where it is its own. [rows]</param>
    public sealed record Part(AttentionPart Rows, int LaneCount, Tensor Queries, Tensor? Blocks, Tensor Mask, Tensor? Lanes);

    /// <summary>The indices of a part, before and after they are sent.</summary>
    private sealed class PartIndices
    {
        private readonly AttentionPart part;
        private readonly int laneCount;
        private readonly Range queries, visible;
        private readonly Range? blocks, lanes;

        public PartIndices(AttentionPart part, IReadOnlyList<PlannedRow> rows, KvCache cache, IndexList indices)
        {
            this.part = part;
            laneCount = part.IsInPlace ? cache.SlotCount : part.Count;
            var rowOf = Enumerable.Range(part.Start, part.Count).ToArray(); // each lane's row
            if (part.IsInPlace)
            {
                rowOf = [.. Enumerable.Repeat(-1, laneCount)];
                for (var row = part.Start; row < part.Start + part.Count; row++)
                    rowOf[rows[row].Slot] = row;
            }
            IEnumerable<long> Units(Func<int, int, long> value) => Enumerable.Range(0, part.BlockCount).SelectMany(block => rowOf.Select(row => value(row, block)));
            queries = indices.Add(Units((row, _) => Math.Max(row, 0)));
            visible = indices.Add(Units((row, block) => row < 0 ? 0 : Math.Clamp(rows[row].Position + 1 - block * cache.BlockSize, 0, cache.BlockSize)));
            blocks = part.IsInPlace ? null : indices.Add(Units((row, block) => cache.BlockOf(rows[row].Slot, block)));
            lanes = part.IsInPlace ? indices.Add(Enumerable.Range(part.Start, part.Count).Select(row => (long)rows[row].Slot)) : null;
        }

        public Part Build(IndexList indices, KvCache cache) => new(
            part, laneCount, indices.At(queries), blocks is { } copied ? indices.At(copied) : null,
            cache.Masks.index_select(0, indices.At(visible)).unsqueeze(1), lanes is { } slots ? indices.At(slots) : null);
    }
}
