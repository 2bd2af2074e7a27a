using Emu3.Inference.Batching;

namespace Emu3.Benchmarks.GpuCounts;

/// <summary>What a pass of guided pictures would take on an H200, by arithmetic.</summary>
/// <param name="Context">Tokens of each sequence.</param>
/// <param name="Pictures">In flight.</param>
/// <param name="LaunchSeconds">Of all operations.</param>
/// <param name="WeightSeconds">To read the layers and the visual rows of the head.</param>
/// <param name="AttentionSeconds">To read keys and values, and to write and read what attention makes of them.</param>
/// <param name="IsInPlace">Keys are read where they lie.</param>
/// <param name="MinSeconds">Weights, and each visible key and value read once.</param>
internal sealed record PassPrediction(int Context, int Pictures, double LaunchSeconds, double WeightSeconds, double AttentionSeconds, bool IsInPlace, double MinSeconds)
{
    private const int Layers = 32, Heads = 32, KeyHeads = 8, HeadDim = 128;
    private const double Launch = 5e-6, Bandwidth = 4.3e12, WeightBytes = 14.228e9;

    /// <summary>Bytes of a score, from operation to operation: the product, scale and mask, maximum, difference, exponential, sum, rounding, the second product.</summary>
    private const int ScoreBytes = 2 + 6 + 4 + 8 + 8 + 4 + 6 + 2;

    /// <summary>Bytes of an output's part of a block: the product, widening, running sum.</summary>
    private const int OutputBytes = 2 + 6 + 8;

    public static string Explanation =>
        $"Attention moves, for each block of a row, keys and values once in place and three times through a copy, {ScoreBytes} bytes a score and {OutputBytes} bytes an output. "
        + "The roofline reads weights, keys and values once and nothing else.";

    public static PassPrediction Of(int pictures, int context, int block, int slotCount, int operations)
    {
        PlannedRow[] rows = [.. Enumerable.Range(0, 2 * pictures).Select(slot => new PlannedRow(0, context - 1, slot))];
        var part = AttentionPlan.Of(rows, slotCount, block, int.MaxValue, int.MaxValue).Single();
        double units = (double)part.BlockCount * (part.IsInPlace ? slotCount : part.Count), keyBytes = 2.0 * KeyHeads * HeadDim * 2;
        var bytes = units * (keyBytes * block * (part.IsInPlace ? 1 : 3) + ScoreBytes * (double)Heads * block + OutputBytes * (double)Heads * HeadDim);
        return new(
            context, pictures, operations * Launch, WeightBytes / Bandwidth, Layers * bytes / Bandwidth, part.IsInPlace,
            (WeightBytes + Layers * keyBytes * context * rows.Length) / Bandwidth);
    }

    /// <summary>Launches run ahead of the device.</summary>
    public double PassSeconds => Math.Max(LaunchSeconds, WeightSeconds + AttentionSeconds);

    public string[] Row() =>
    [
        $"{Context:N0}", $"{Pictures}", Report.Figure(LaunchSeconds * 1e3), Report.Figure(WeightSeconds * 1e3), Report.Figure(AttentionSeconds * 1e3),
        IsInPlace ? "in place" : "through a copy", Report.Figure(PassSeconds * 1e3), Report.Figure(Pictures / PassSeconds), $"{100 * MinSeconds / PassSeconds:F0} %",
    ];
}
