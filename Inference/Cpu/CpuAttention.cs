using Emu3.Inference.Batching;
using Emu3.Inference.Cpu.Kernels;
using Emu3.Inference.Model;

namespace Emu3.Inference.Cpu;

/// <summary>Attention of all rows of a pass (reference: eager attention of LlamaAttention), shared out by slot, head and segment of keys.</summary>
internal sealed unsafe class CpuAttention : IDisposable
{
    private const int RowsTogether = 16; // of one slot: they read its keys while these are in the second cache

    private readonly TransformerConfig config;
    private readonly CpuKvCache cache;
    private readonly CpuThreads threads;
    private readonly NativeFloats parts; // [rows, heads, segments, headDim + 2]
    private readonly int mostSegments, group, partSize;
    private readonly List<Unit> units = [];

    /// <param name="config">Heads and their size.</param>
    /// <param name="cache">Read.</param>
    /// <param name="threads">That compute.</param>
    /// <param name="mostRows">Of a pass.</param>
    public CpuAttention(TransformerConfig config, CpuKvCache cache, CpuThreads threads, int mostRows)
    {
        (this.config, this.cache, this.threads) = (config, cache, threads);
        mostSegments = SegmentsOf(cache.PositionCount - 1);
        group = config.HeadCount / config.KeyValueHeadCount;
        partSize = AttentionSegment.PartSize(cache.HeadDim);
        parts = new NativeFloats(Bytes(config, cache.PositionCount, mostRows) / sizeof(float));
    }

    /// <summary>Rows of one slot, behind each other, with one head of keys and one segment of them.</summary>
    private readonly record struct Unit(int Start, int Count, int Head, int Segment);

    /// <summary>Bytes of the parts that segments of keys give.</summary>
    public static long Bytes(TransformerConfig config, int positions, int mostRows) =>
        (long)mostRows * config.HeadCount * SegmentsOf(positions - 1) * AttentionSegment.PartSize(CpuKvCache.PaddedHeadDim(config)) * sizeof(float);

    /// <param name="rows">In any order; rows of one slot are fastest behind each other.</param>
    /// <param name="layer">Which; the rows' own keys and values are in the cache.</param>
    /// <param name="query">[rows, heads, padded headDim], turned and scaled</param>
    /// <param name="output">[rows, heads · headDim]</param>
    public void Run(PlannedRow[] rows, int layer, float* query, float* output)
    {
        var cost = Plan(rows);
        threads.For(units.Count, cost / Math.Max(1, units.Count), (from, to, worker) =>
        {
            for (var i = from; i < to; i++)
                Attend(rows, units[i], layer, query, output, worker);
        });
        if (rows.Any(row => SegmentsOf(row.Position) > 1))
            threads.For(rows.Length, (long)mostSegments * config.HeadCount * cache.HeadDim, (from, to, _) =>
            {
                for (var row = from; row < to; row++)
                    MergeSegments(row, SegmentsOf(rows[row].Position), output);
            });
    }

    public void Dispose() => parts.Dispose();

    private static int SegmentsOf(int position) => position / AttentionSegment.Length + 1;

    /// <summary>Makes the units, and says what they cost together.</summary>
    private long Plan(PlannedRow[] rows)
    {
        units.Clear();
        var cost = 0L;
        for (int start = 0, end; start < rows.Length; start = end)
        {
            var segments = 0;
            for (end = start; end < rows.Length && end < start + RowsTogether && rows[end].Slot == rows[start].Slot; end++)
            {
                segments = Math.Max(segments, SegmentsOf(rows[end].Position));
                cost += (rows[end].Position + 1L) * config.HeadCount * cache.HeadDim / 8; // a product costs less than a single operation
            }
            for (var segment = 0; segment < segments; segment++)
                for (var head = 0; head < config.KeyValueHeadCount; head++)
                    units.Add(new Unit(start, end - start, head, segment));
        }
        return cost;
    }

    private void Attend(PlannedRow[] rows, Unit unit, int layer, float* query, float* output, int worker)
    {
        var first = unit.Segment * AttentionSegment.Length;
        for (var row = unit.Start; row < unit.Start + unit.Count; row++)
        {
            var (position, slot) = (rows[row].Position, rows[row].Slot);
            if (position < first)
                continue;
            var segment = new AttentionSegment
            {
                Query = query + ((nint)row * config.HeadCount + unit.Head * group) * cache.HeadDim,
                Keys = cache.Keys(layer, slot, unit.Head, first),
                Values = cache.Values(layer, slot, unit.Head, first),
                Count = Math.Min(AttentionSegment.Length, position + 1 - first),
                Heads = group,
                HeadDim = cache.HeadDim,
                Part = Part(row, unit.Head * group, unit.Segment),
                PartStride = (nint)mostSegments * partSize,
            };
            threads.Kernels.Attend(segment, threads.Scratch(worker));
            if (SegmentsOf(position) == 1)
                for (var head = unit.Head * group; head < (unit.Head + 1) * group; head++)
                    Finish(row, head, output);
        }
    }

    private void MergeSegments(int row, int count, float* output)
    {
        if (count == 1)
            return; // is finished
        for (var head = 0; head < config.HeadCount; head++)
        {
            for (var segment = 1; segment < count; segment++)
                threads.Kernels.Merge(Part(row, head, 0), Part(row, head, segment), cache.HeadDim);
            Finish(row, head, output);
        }
    }

    private void Finish(int row, int head, float* output) =>
        threads.Kernels.Finish(Part(row, head, 0), cache.HeadDim, output + ((nint)row * config.HeadCount + head) * config.HeadDim, config.HeadDim);

    private float* Part(int row, int head, int segment) => parts.Address + (((nint)row * config.HeadCount + head) * mostSegments + segment) * partSize;
}
