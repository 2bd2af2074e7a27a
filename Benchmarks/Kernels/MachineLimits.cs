using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu3.Inference.Cpu;
using Emu3.Inference.Memory;

namespace Emu3.Benchmarks.Kernels;

/// <summary>What the machine can do at most, measured by loops that do nothing else.</summary>
/// <param name="threads">That compute.</param>
internal sealed class MachineLimits(int threads) : IDisposable
{
    private const int Turns = 500_000;
    private readonly WorkerPool pool = new(threads);
    private readonly ReadRate reading = new(threads);
    private readonly float[] sums = new float[threads];

    /// <summary>Bytes a second that all threads together read from memory, now.</summary>
    public double Read() => reading.Once();

    /// <summary>Additions and multiplications a second of all threads together, two in a fused multiply-add, now.</summary>
    public double MultiplyAdd()
    {
        var began = Stopwatch.GetTimestamp();
        pool.Run(threads, (part, _) => sums[part] = Chains(Turns));
        return 2.0 * threads * Turns * 16 * 16 / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    public void Dispose()
    {
        pool.Dispose();
        reading.Dispose();
    }

    /// <summary>Sixteen chains, so that none waits for itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Chains(int turns)
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
