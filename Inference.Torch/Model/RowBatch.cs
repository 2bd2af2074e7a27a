using Emu3.Inference.Batching;
using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>The rows of one forward pass as tensors; lives in the dispose scope of the pass.</summary>
internal sealed class RowBatch
{
    private const float Hidden = -1e30f; // finite: a block that is hidden as a whole gets weight 0, not NaN

    private readonly RowLayout layout;
    private readonly Device device;

    /// <param name="layout">Rows and their groups.</param>
    /// <param name="floor">Linear layers see a multiple of this many rows.</param>
    /// <param name="cache">Where the rows' slots are.</param>
    /// <param name="device">Of the model.</param>
    public RowBatch(RowLayout layout, int floor, KvCache cache, Device device)
    {
        (this.layout, this.device) = (layout, device);
        var (rows, heads) = (layout.Rows, cache.HeadCount);
        Count = rows.Count;
        PaddedCount = (Count + floor - 1) / floor * floor;
        Tokens = Integers(rows.Select(row => (long)row.Token));
        Positions = Integers(rows.Select(row => (long)row.Position));
        Places = Integers(rows.SelectMany(row => Enumerable.Range(0, heads).Select(
            head => ((long)row.Slot * heads + head) * cache.PositionCount + row.Position)));
        Groups = [.. layout.Groups.Select(group => new Group(group, BlockMasks(group, cache.BlockSize), group.FirstSlot >= 0 ? null : Integers(
            Rows(group).SelectMany(row => Enumerable.Range(0, heads).Select(head => (long)row.Slot * heads + head)))))];
    }

    /// <summary>Rows that are someone's.</summary>
    public int Count { get; }

    /// <summary>Rows with those of zeros behind them.</summary>
    public int PaddedCount { get; }

    public Tensor Tokens { get; } // [rows]
    public Tensor Positions { get; } // [rows]
    public Tensor Places { get; } // [rows·kvHeads], in [slots·kvHeads·positions]
    public IReadOnlyList<Group> Groups { get; }

    /// <summary>Rows that attend together.</summary>
    /// <param name="Rows">Which.</param>
    /// <param name="Masks">For each block of keys that any row sees: 0 where the row sees a position, else hidden; [rows, 1, block]</param>
    /// <param name="Heads">[rows·kvHeads], in [slots·kvHeads]; null when the cache is read in place</param>
    public sealed record Group(RowGroup Rows, IReadOnlyList<Tensor> Masks, Tensor? Heads);

    private IEnumerable<PlannedRow> Rows(RowGroup group) => layout.Rows.Skip(group.Start).Take(group.Count);

    private Tensor[] BlockMasks(RowGroup group, int size)
    {
        var masks = new Tensor[group.LastPosition / size + 1];
        for (var block = 0; block < masks.Length; block++)
        {
            var mask = new float[group.Count * size];
            foreach (var (i, row) in Rows(group).Index())
                mask.AsSpan(i * size, size)[Math.Clamp(row.Position + 1 - block * size, 0, size)..].Fill(Hidden);
            masks[block] = tensor(mask, [group.Count, 1, size], device: device);
        }
        return masks;
    }

    private Tensor Integers(IEnumerable<long> values) => tensor(values.ToArray(), device: device);
}
