using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu3.Inference.Cpu;

namespace Emu3.Benchmarks.Kernels;

/// <summary>What the machine can do at most, measured by loops that do nothing else.</summary>
internal static class MachineLimits
{
    private const int Rounds = 7;

    /// <summary>Bytes a second that all threads together read from memory.</summary>
    public static double ReadRate(int threads) => Inference.Memory.ReadRate.Measure(threads);

    /// <summary>Additions and multiplications a second of all threads together, two in a fused multiply-add.</summary>
    public static double MultiplyAddRate(int threads)
    {
        const int turns = 2_000_000;
        using var pool = new WorkerPool(threads);
        var sums = new float[threads];
        return 2.0 * threads * turns * 16 * 16 / Best(() => pool.Run(threads, (part, _) => sums[part] = MultiplyAdd(turns)));
    }

    /// <summary>The shortest of some runs, in seconds: a shared machine only makes things slower.</summary>
    public static double Best(Action run)
    {
        run();
        var best = double.PositiveInfinity;
        for (var round = 0; round < Rounds; round++)
        {
            var began = Stopwatch.GetTimestamp();
            run();
            best = Math.Min(best, Stopwatch.GetElapsedTime(began).TotalSeconds);
        }
        return best;
    }

    /// <summary>Sixteen chains, so that none waits for itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float MultiplyAdd(int turns)
    {
        var (x, y) = (Vector512.Create(0.999f), Vector512.Create(0.001f));
        Vector512<float> a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x, m = x, n = x, o = x, p = x;
        for (var turn = 0; turn < turns; turn++)
        {
            a = Vector512.FusedMultiplyAdd(a, x, y); b = Vector512.FusedMultiplyAdd(b, x, y); c = Vector512.FusedMultiplyAdd(c, x, y); d = Vector512.FusedMultiplyAdd(d, x, y);
            e = Vector512.FusedMultiplyAdd(e, x, y); f = Vector512.FusedMultiplyAdd(f, x, y); g = Vector512.FusedMultiplyAdd(g, x, y); h = Vector512.FusedMultiplyAdd(h, x, y);
            i = Vector512.FusedMultiplyAdd(i, x, y); j = Vector512.FusedMultiplyAdd(j, x, y); k = Vector512.FusedMultiplyAdd(k, x, y); l = Vector512.FusedMultiplyAdd(l, x, y);
            m = Vector512.FusedMultiplyAdd(m, x, y); n = Vector512.FusedMultiplyAdd(n, x, y); o = Vector512.FusedMultiplyAdd(o, x, y); p = Vector512.FusedMultiplyAdd(p, x, y);
        }
        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p);
    }
}
