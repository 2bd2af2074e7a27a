using Emu3.Inference.Batching;
using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>
/// The self-test at load: do a row's bits depend on the rows beside it? One layer and the visual rows of the head, on the checkpoint's own shapes, are fed in
/// the order of the sequences, then in shuffled subsets of sampled row counts; attention besides with contexts of every length. The head is computed in slabs of
/// the visual rows' height everywhere (<see cref="Emu3Model.Logits"/>), so that the slab which is tested stands for all.
/// </summary>
public static class RowInvariance
{
    /// <summary>Names what is tested: verdicts of another version are not used. To be raised with any change of the test.</summary>
    public const int Version = 1;

    // Lengths of the probe's sequences, one a slot: one beyond a block of keys, the others in its middle and short.
    private static int[] Lengths(TransformerConfig config) => [Math.Min(KvCache.BlockSizeOf(config) + 40, config.MaxPositions), .. s_short.Select(length => Math.Min(length, config.MaxPositions))];

    private static readonly int[] s_short = [40, 17, 33, 9, 5, 3, 24, 1, 12];

    /// <summary>The smallest floor at which all bits are equal; null when there is none.</summary>
    public static int? FindFloor(Emu3Model model) => AttentionHolds(model) ? RowCounts.SmallestFloor(FailedCounts(model)) : null;

    /// <summary>Those of the sampled row counts at which a row gets other bits than among <see cref="RowCounts.Most"/> rows.</summary>
    public static IReadOnlyList<int> FailedCounts(Emu3Model model)
    {
        using var scope = NewDisposeScope();
        var lengths = Lengths(model.Config);
        using var cache = new KvCache(model.Config, 1, lengths.Length, lengths.Max(), model.Dtype, model.Device);
        var random = new Random(1); // any fixed choice of tokens and order
        PlannedRow[] rows = [.. lengths.SelectMany((length, slot) => Enumerable.Range(0, length).Select(
            position => new PlannedRow(random.Next(model.Config.VocabularySize), position, slot)))];
        var expected = RunAll();
        return [.. RowCounts.Sampled.Where(count =>
        {
            var chosen = Choose(random, rows, Math.Min(rows.Length, count - random.Next(RowCounts.Floors[0])));
            var actual = Run(model, cache, [.. chosen.Select(i => rows[i])], count);
            var hasFailed = chosen.Where((index, i) => !expected[index].AsSpan().SequenceEqual(actual[i])).Any();
            if (hasFailed)
                RunAll(); // its keys and values are in the cache now, and the next count must not be judged by them
            return hasFailed;
        })];

        byte[][] RunAll() => [.. rows.Chunk(RowCounts.Most).SelectMany(chunk => Run(model, cache, chunk, RowCounts.Most))];
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
    private static byte[][] Run(Emu3Model model, KvCache cache, PlannedRow[] rows, int padded)
    {
        using var scope = NewDisposeScope();
        var hidden = model.Forward(rows, cache, padded);
        var logits = model.Logits(hidden, [.. Enumerable.Range(0, rows.Length)], visualOnly: true, padded);
        var blocks = model.Link.Send([.. rows.Select(row => cache.BlockOf(row.Slot, row.Position / cache.BlockSize))]);
        var offsets = model.Link.Send([.. rows.Select(row => (long)row.Position % cache.BlockSize)]);
        var stored = cache.Layer(0).permute(0, 3, 1, 2, 4).index(blocks, offsets); // [rows, kvHeads, 2, headDim]
        return Bits([hidden.narrow(0, 0, rows.Length), logits, stored]);
    }

    /// <summary>
    /// Whether attention gives a row the same bits alone, beside shorter and longer ones, through a copy of its keys and in place. The cache holds any numbers.
    /// </summary>
    public static bool AttentionHolds(Emu3Model model)
    {
        using var scope = NewDisposeScope();
        var (config, block) = (model.Config, KvCache.BlockSizeOf(model.Config));
        int[] lengths = [config.MaxPositions, 1, block, Math.Min(block + 1, config.MaxPositions), config.MaxPositions / 2 + 3, config.MaxPositions * 3 / 4];
        using var cache = new KvCache(config, 1, lengths.Length, config.MaxPositions, model.Dtype, model.Device);
        cache.Layer(0).copy_(Random(model, cache.Layer(0).shape));
        PlannedRow[] rows = [.. lengths.Select((length, slot) => new PlannedRow(0, length - 1, slot)), new PlannedRow(0, 0, 0), new PlannedRow(0, block / 2, 0)];
        var queries = Random(model, rows.Length, config.HeadCount, config.HeadDim);
        var alone = rows.Select((row, i) => Attend([row], queries.narrow(0, i, 1))[0]).ToArray();
        var copied = Attend(rows, queries); // several rows of slot 0
        var inPlace = Attend(rows[..lengths.Length], queries.narrow(0, 0, lengths.Length));
        return alone.Select((bits, i) => bits.AsSpan().SequenceEqual(copied[i]) && (i >= inPlace.Length || bits.AsSpan().SequenceEqual(inPlace[i]))).All(equal => equal);

        byte[][] Attend(PlannedRow[] chosen, Tensor query)
        {
            using var inner = NewDisposeScope();
            var batch = new RowBatch(chosen, 1, cache, model.Link);
            return Bits([cat([.. batch.Parts.Select(part => Attention.Apply(query, cache, 0, part, model.ScoreScale))])]);
        }
    }

    private static Tensor Random(Emu3Model model, params long[] shape)
    {
        using var generator = new Generator(1, model.Device);
        return randn(shape, dtype: model.Dtype, device: model.Device, generator: generator);
    }

    /// <param name="parts">Each [rows, …]</param>
    /// <returns>Of each row.</returns>
    private static byte[][] Bits(Tensor[] parts)
    {
        var rows = parts[0].size(0);
        var together = cat([.. parts.Select(part => part.to(ScalarType.Float32).reshape(rows, -1))], 1).cpu(); // [rows, bits of a row]
        return [.. Enumerable.Range(0, (int)rows).Select(i => together.narrow(0, i, 1).bytes.ToArray())];
    }
}
