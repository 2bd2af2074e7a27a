using Emu3.Inference.Cpu;
using Emu3.Inference.Cpu.Kernels;

namespace Emu3.Benchmarks.Kernels;

/// <summary>Each product of the real model's layers beside what the machine can do at most: read its weights once, or do its arithmetic.</summary>
internal static unsafe class KernelBenchmark
{
    private static readonly (int Inputs, int Outputs)[] s_widths = [(4096, 4096), (4096, 1024), (4096, 14336), (14336, 4096), (256, 1408)];
    private static readonly int[] s_rows = [1, 2, 4, 8, 16, 32, 64, 128];

    /// <param name="threads">That compute.</param>
    public static void Run(int threads)
    {
        var report = new Report("Kernels beside the machine's limits", $"dotnet run --project Benchmarks -c Release -- kernels --threads {threads}");
        report.Line($"* kernels: {CpuKernels.Fastest.Name}, {threads} threads, bfloat16 weights, float32 rows; the shortest of seven runs");
        var (read, arithmetic) = (MachineLimits.ReadRate(threads), MachineLimits.MultiplyAddRate(threads));
        report.Line($"* reading memory: {Report.Figure(read / 1e9)} GB/s; fused multiply-adds: {Report.Figure(arithmetic / 1e9)} GFLOP/s (both measured here)");
        report.Line();
        report.Line("A cell: weights read in GB/s, arithmetic in GFLOP/s, and how many times the lesser of both limits it takes. The last width fits into a cache: reading is no limit there.");
        report.Table(["inputs → outputs", .. s_rows.Select(rows => $"{rows} rows")], s_widths.Select(width => (string[])
        [
            $"{width.Inputs} → {width.Outputs}", .. s_rows.Select(rows => Cell(width.Inputs, width.Outputs, rows, threads, read, arithmetic)),
        ]));
        report.Save("kernels");
    }

    private static string Cell(int inputs, int outputs, int rows, int threadCount, double read, double arithmetic)
    {
        using var weights = new NativeFloats((long)inputs * outputs / 2);
        using var x = new NativeFloats((long)rows * inputs);
        using var y = new NativeFloats((long)rows * outputs);
        new Span<ushort>((ushort*)weights.Address, inputs * outputs).Fill(0x3C00); // 2⁻⁷
        x.Span.Fill(1);
        using var threads = new CpuThreads(CpuKernels.Fastest, threadCount, heads: 1, headDim: 16);
        var product = new WeightMatrix((byte*)weights.Address, WeightType.BFloat16, outputs, inputs, bias: null).Times(x.Address, rows, y.Address, outputs);
        var seconds = MachineLimits.Best(() => threads.Multiply(product));
        var (bytes, operations) = (2.0 * inputs * outputs, 2.0 * inputs * outputs * rows);
        var limit = Math.Max(bytes < 4e6 ? 0 : bytes / read, operations / arithmetic);
        return $"{Report.Figure(bytes / seconds / 1e9)} · {Report.Figure(operations / seconds / 1e9)} · {Report.Figure(seconds / limit)}";
    }
}
