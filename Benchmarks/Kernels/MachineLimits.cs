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
        var wide = Vector512.IsHardwareAccelerated;
        pool.Run(threads, (part, _) => sums[part] = wide ? Chains512(Turns) : Chains256(Turns));
        return 2.0 * threads * Turns * (wide ? 16 * 16 : 12 * 8) / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    public void Dispose()
    {
        pool.Dispose();
        reading.Dispose();
    }

    /// <summary>Sixteen chains in 32 registers: enough that none waits for its own last result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Chains512(int turns)
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

    /// <summary>Twelve chains in the 16 registers of a processor without AVX-512, where vectors of 512 bits would be spilled to the stack.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Chains256(int turns)
    {
        var (x, y) = (Vector256.Create(0.999f), Vector256.Create(0.001f));
        Vector256<float> a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
        for (var turn = 0; turn < turns; turn++)
        {
            a = Vector256.FusedMultiplyAdd(a, x, y); b = Vector256.FusedMultiplyAdd(b, x, y); c = Vector256.FusedMultiplyAdd(c, x, y); d = Vector256.FusedMultiplyAdd(d, x, y);
            e = Vector256.FusedMultiplyAdd(e, x, y); f = Vector256.FusedMultiplyAdd(f, x, y); g = Vector256.FusedMultiplyAdd(g, x, y); h = Vector256.FusedMultiplyAdd(h, x, y);
            i = Vector256.FusedMultiplyAdd(i, x, y); j = Vector256.FusedMultiplyAdd(j, x, y); k = Vector256.FusedMultiplyAdd(k, x, y); l = Vector256.FusedMultiplyAdd(l, x, y);
        }
        return Vector256.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }
}

