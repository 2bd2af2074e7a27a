using Emu3.Inference.Batching;
using Emu3.Inference.Cpu;
using Emu3.Inference.Cpu.Kernels;
using Emu3.Inference.Model;

namespace Emu3.Tests.Unit.Inference.Cpu;

[Trait("Suite", "Fast")]
public sealed unsafe class CpuAttentionTests
{
    [Theory]
    [InlineData(8, 2, 32)]
    [InlineData(4, 4, 16)]
    [InlineData(10, 2, 24)]
    [InlineData(6, 1, 128)]
    public void Run_AnyLengths_GivesTheDefinition_WithTheSameBitsOnEveryPathAndAlone(int heads, int keyHeads, int headDim)
    {
        var config = Config(heads, keyHeads, headDim);
        var random = new Random(headDim);
        using var cache = new CpuKvCache(config, slotCount: 3, positionCount: 2200);
        Fill(random, cache, headDim);
        // Some rows of one slot and of others, around the ends of blocks and segments.
        (int Position, int Slot)[] places = [(0, 0), (1, 0), (254, 0), (255, 0), (256, 0), (1023, 1), (1024, 1), (17, 2), (2111, 2)];
        PlannedRow[] rows = [.. places.Select(at => new PlannedRow(0, at.Position, at.Slot))];
        using var query = Queries(random, rows.Length * heads, cache.HeadDim, headDim);
        var width = heads * headDim;
        var expected = Run(CpuKernels.Fastest, 1, rows, query.Address);
        for (var row = 0; row < rows.Length; row++)
            for (var head = 0; head < heads; head++)
                RequireClose(cache, rows[row], head / (heads / keyHeads), query.Address + ((nint)row * heads + head) * cache.HeadDim, headDim, expected.AsSpan(row * width + head * headDim, headDim));

        foreach (var kernels in CpuKernels.All)
            Assert.Equal(Floats.Bits(expected), Floats.Bits(Run(kernels, kernels == CpuKernels.Fastest ? 3 : 1, rows, query.Address)));
        for (var row = 0; row < rows.Length; row++)
            Assert.Equal(Floats.Bits(expected.AsSpan(row * width, width)), Floats.Bits(Run(CpuKernels.Fastest, 2, [rows[row]], query.Address + (nint)row * heads * cache.HeadDim)));

        float[] Run(ICpuKernels kernels, int threadCount, PlannedRow[] some, float* queries)
        {
            using var threads = new CpuThreads(kernels, threadCount, heads / keyHeads, cache.HeadDim);
            using var attention = new CpuAttention(config, cache, threads, some.Length);
            using var output = new NativeFloats(some.Length * width);
            attention.Run(some, layer: 0, queries, output.Address);
            return output.Span.ToArray();
        }
    }

    private static void Fill(Random random, CpuKvCache cache, int headDim)
    {
        for (var slot = 0; slot < cache.SlotCount; slot++)
            for (var head = 0; head < cache.HeadCount; head++)
                for (var position = 0; position < cache.PositionCount; position++)
                    for (var d = 0; d < headDim; d++)
                        (cache.Keys(0, slot, head, position)[d], cache.Values(0, slot, head, position)[d]) = (random.NextSingle() - 0.5f, random.NextSingle() - 0.5f);
    }

    private static NativeFloats Queries(Random random, int count, int stride, int headDim)
    {
        var queries = new NativeFloats((long)count * stride);
        for (var i = 0; i < count * headDim; i++)
            queries.Address[i / headDim * stride + i % headDim] = (random.NextSingle() - 0.5f) * 4;
        return queries;
    }

    private static void RequireClose(CpuKvCache cache, PlannedRow row, int head, float* query, int headDim, ReadOnlySpan<float> found)
    {
        var weights = new double[row.Position + 1];
        for (var key = 0; key < weights.Length; key++)
            for (var d = 0; d < headDim; d++)
                weights[key] += (double)query[d] * cache.Keys(0, row.Slot, head, key)[d];
        var maximum = weights.Max();
        for (var key = 0; key < weights.Length; key++)
            weights[key] = Math.Exp(weights[key] - maximum);
        var sum = weights.Sum();
        for (var d = 0; d < headDim; d++)
        {
            var expected = 0.0;
            for (var key = 0; key < weights.Length; key++)
                expected += weights[key] / sum * cache.Values(0, row.Slot, head, key)[d];
            Assert.Equal(expected, found[d], 2e-6);
        }
    }

    private static TransformerConfig Config(int heads, int keyHeads, int headDim) => new()
    {
        VocabularySize = 1,
        HiddenSize = heads * headDim,
        IntermediateSize = 1,
        LayerCount = 1,
        HeadCount = heads,
        KeyValueHeadCount = keyHeads,
        HeadDim = headDim,
        RopeTheta = 1e6,
        RmsNormEpsilon = 1e-5,
        MaxPositions = 4096,
        TieWordEmbeddings = false,
        AttentionBias = false,
        MlpBias = false,
    };
}
