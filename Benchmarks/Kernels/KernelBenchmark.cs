using System.Diagnostics;
using Emu3.Inference.Cpu;
using Emu3.Inference.Cpu.Kernels;

namespace Emu3.Benchmarks.Kernels;

/// <summary>Each product of the real model's layers beside what the machine can do at most: read its weights once, or do its arithmetic.</summary>
internal static unsafe class KernelBenchmark
{
    private const int Rounds = 15;
    private const long ColdBytes = 1 << 30; // of copies of a matrix, which take turns: none is in a cache when its turn comes
    private const double RoundSeconds = 0.02;
    private static readonly (int Inputs, int Outputs)[] s_widths = [(4096, 4096), (4096, 1024), (4096, 14336), (14336, 4096), (4096, 32768)];
    private static readonly (int Inputs, int Outputs)[] s_small = [(256, 1408), (704, 256)];
    private static readonly int[] s_rows = [1, 2, 4, 8, 12, 16, 24, 32, 64, 128];

    /// <param name="threads">That compute.</param>
    public static void Run(int threads)
    {
        var report = new Report("Kernels beside the machine's limits", $"dotnet run --project Benchmarks -c Release -- kernels --threads {threads}");
        using var limits = new MachineLimits(threads);
        report.Line($"* kernels: {CpuKernels.Fastest.Name}, {threads} threads, bfloat16 weights, float32 rows");
        report.Line($"* the machine at its best: reads {Report.Figure(Best(limits.Read) / 1e9)} GB/s, {Report.Figure(Best(limits.MultiplyAdd) / 1e9)} GFLOP/s of fused multiply-adds");
        report.Line();
        report.Line($"A cell: how many times the larger of two times it takes, reading the weights once and doing the multiply-adds, both at the machine's rate; the median of {Rounds} rounds, and the smallest. Each round measures both rates right before and the second one right after as well, since the rates of a shared machine change from moment to moment. Behind it GB/s of weights and GFLOP/s at best.");
        report.Line();
        report.Line("Weights come from memory: as many copies of a matrix as fill 1 GiB take turns.");
        using var memory = new NativeFloats(ColdBytes / sizeof(float));
        new Span<uint>((uint*)memory.Address, (int)(ColdBytes / sizeof(uint))).Fill(0x3C00_3C00); // 2⁻⁷
        Table(s_widths, isCold: true);
        report.Line();
        report.Line("Widths of emu3-tiny, whose weights stay in a cache: reading is no limit.");
        Table(s_small, isCold: false);
        report.Save("kernels");

        void Table((int Inputs, int Outputs)[] widths, bool isCold) =>
            report.Table(["inputs → outputs", .. s_rows.Select(rows => $"{rows} rows")], widths.Select(width => (string[])
            [
                $"{width.Inputs} → {width.Outputs}", .. s_rows.Select(rows => Cell(memory, width.Inputs, width.Outputs, rows, threads, limits, isCold)),
            ]));
    }

    private static string Cell(NativeFloats memory, int inputs, int outputs, int rows, int threadCount, MachineLimits limits, bool isCold)
    {
        using var x = new NativeFloats((long)rows * inputs);
        using var y = new NativeFloats((long)rows * outputs);
        x.Span.Fill(1);
        using var threads = new CpuThreads(CpuKernels.Fastest, threadCount, heads: 1, headDim: 16);
        var (bytes, operations) = (2.0 * inputs * outputs, 2.0 * inputs * outputs * rows);
        var copies = isCold ? (int)(ColdBytes / (long)bytes) : 1;
        var (copy, turns, best, ratios) = (0, 1, double.PositiveInfinity, new List<double>());
        turns = (int)Math.Clamp(RoundSeconds / Multiply(), 1, 100_000);
        for (var round = 0; round < Rounds; round++)
        {
            var (read, before) = (isCold ? limits.Read() : double.PositiveInfinity, limits.MultiplyAdd());
            var seconds = Multiply();
            best = Math.Min(best, seconds);
            ratios.Add(seconds / Math.Max(bytes / read, operations / ((before + limits.MultiplyAdd()) / 2)));
        }
        ratios.Sort();
        return $"**{Report.Figure(ratios[Rounds / 2])}** ({Report.Figure(ratios[0])}) {Report.Figure(bytes / best / 1e9)} · {Report.Figure(operations / best / 1e9)}";

        double Multiply()
        {
            var began = Stopwatch.GetTimestamp();
            for (var turn = 0; turn < turns; turn++, copy = (copy + 1) % copies)
                threads.Multiply(new WeightMatrix((byte*)memory.Address + copy * (long)bytes, WeightType.BFloat16, outputs, inputs, bias: null).Times(x.Address, rows, y.Address, outputs));
            return Stopwatch.GetElapsedTime(began).TotalSeconds / turns;
        }
    }

    private static double Best(Func<double> rate) => Enumerable.Range(0, Rounds).Max(_ => rate());
}
