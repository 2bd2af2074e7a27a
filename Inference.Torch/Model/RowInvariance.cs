using Emu3.Inference.Batching;
using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>
/// The self-test at load: do a row's bits depend on the rows beside it? One layer and the head, on the checkpoint's own shapes, first fed
/// in the order of the sequences, then in shuffled subsets of every row count that a forward pass can have.
/// </summary>
public static class RowInvariance
{
    /// <summary>Row counts whose multiples are tried, the smallest first.</summary>
    public static IReadOnlyList<int> Floors { get; } = [4, 8, 12, 16, 32, 64, 128];

    // Lengths of the probe's sequences, one a slot: one beyond a block of keys, the others in its middle and short.
    private static int[] Lengths(TransformerConfig config) => [Math.Min(KvCache.BlockSizeOf(config) + 40, config.MaxPositions), .. s_short.Select(length => Math.Min(length, config.MaxPositions))];

    private static readonly int[] s_short = [40, 17, 33, 9, 5, 3, 24, 1, 12];

    /// <summary>The smallest floor at which all bits are equal; null when there is none.</summary>
    public static int? FindFloor(Emu3Model model) => Floors.Cast<int?>().FirstOrDefault(floor => Holds(model, floor!.Value));

    /// <summary>Whether all bits are equal when linear layers see multiples of <paramref name="floor"/> rows.</summary>
    public static bool Holds(Emu3Model model, int floor)
    {
        using var scope = NewDisposeScope();
        var lengths = Lengths(model.Config);
        using var cache = new KvCache(model.Config, 1, lengths.Length, lengths.Max(), model.Dtype, model.Device);
        var random = new Random(1); // any fixed choice of tokens and order
        PlannedRow[] rows = [.. lengths.SelectMany((length, slot) => Enumerable.Range(0, length).Select(
            position => new PlannedRow(random.Next(model.Config.VocabularySize), position, slot)))];
        var expected = rows.Chunk(Emu3Model.MaxRows).SelectMany(chunk => Run(model, cache, chunk, floor)).ToArray();
        for (var count = floor; count <= Emu3Model.MaxRows; count += floor)
        {
            var chosen = Choose(random, rows, Math.Min(rows.Length, count - random.Next(floor)));
            var actual = Run(model, cache, [.. chosen.Select(i => rows[i])], floor);
            if (chosen.Where((index, i) => !expected[index].AsSpan().SequenceEqual(actual[i])).Any())
                return false;
        }
        return true;
    }

    /// <summary>Rows in random order; in every other subset with the last rows of all slots, which attend in place.</summary>
    private static int[] Choose(Random random, PlannedRow[] rows, int wanted)
    {
        var indices = Enumerable.Range(0, rows.Length).ToArray();
        random.Shuffle(indices);
        var isLast = (int i) => i + 1 == rows.Length || rows[i + 1].Slot != rows[i].Slot;
        var chosen = wanted % 2 == 0 ? indices.OrderByDescending(isLast).Take(wanted).ToArray() : indices[..wanted];
        random.Shuffle(chosen);
        return chosen;
    }

    /// <summary>The bits that each row leaves behind: its keys and values, its hidden state, its logits.</summary>
    private static byte[][] Run(Emu3Model model, KvCache cache, PlannedRow[] rows, int floor)
    {
        using var scope = NewDisposeScope();
        var layout = RowLayout.Of(rows);
        var hidden = model.Forward(layout, cache, floor);
        int[] all = [.. Enumerable.Range(0, rows.Length)];
        var visual = model.Logits(hidden, all, visualOnly: true, floor);
        var text = model.Logits(hidden, all, visualOnly: false, floor);
        var places = tensor(layout.Rows.Select(row => (long)row.Slot).ToArray(), device: model.Device);
        var at = tensor(layout.Rows.Select(row => (long)row.Position).ToArray(), device: model.Device);
        var bits = new byte[rows.Length][];
        Tensor[] parts = [hidden.narrow(0, 0, rows.Length), visual, text, Cached(cache.Keys(0)), Cached(cache.Values(0))];
        var together = cat([.. parts.Select(part => part.to(ScalarType.Float32).reshape(rows.Length, -1))], 1).cpu(); // [rows, bits of a row]
        for (var i = 0; i < rows.Length; i++)
            bits[layout.Order[i]] = together.narrow(0, i, 1).bytes.ToArray();
        return bits;

        Tensor Cached(Tensor heads) =>
            heads.view(cache.SlotCount, cache.HeadCount, cache.PositionCount, -1).transpose(1, 2).index(places, at); // [rows, kvHeads, headDim]
    }
}
