using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Emu3.Inference.Cpu;

namespace Emu3.Inference.Memory;

/// <summary>How fast this machine reads its memory: what bounds passes with few rows, which read all weights once.</summary>
/// <param name="threads">That read.</param>
public sealed unsafe class ReadRate(int threads) : IDisposable
{
    private const int Rounds = 7;
    private const int Ahead = 256; // numbers
    private const long Count = 64 << 20; // numbers, 256 MiB: far more than most caches hold

    private readonly WorkerPool pool = new(threads);
    private readonly NativeFloats memory = Filled();
    private readonly float[] sums = new float[8 * threads];

    /// <summary>Bytes a second that all threads together read. The best of some readings, in a fraction of a second: a shared machine only makes things slower.</summary>
    /// <param name="threads">That read.</param>
    public static double Measure(int threads)
    {
        using var rate = new ReadRate(threads);
        return Enumerable.Range(0, Rounds).Max(_ => rate.Once());
    }

    /// <summary>Bytes a second of one reading.</summary>
    public double Once()
    {
        var part = Count / sums.Length / 64 * 64;
        var began = Stopwatch.GetTimestamp();
        pool.Run(sums.Length, (i, _) => sums[i] = Sum(memory.Address + part * i, part));
        return part * sums.Length * sizeof(float) / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    public void Dispose()
    {
        pool.Dispose();
        memory.Dispose();
    }

    private static NativeFloats Filled()
    {
        var memory = new NativeFloats(Count);
        memory.Span.Fill(1);
        return memory;
    }

    /// <summary>Reads at four places in turns, fetching ahead at each: reading at one is slower.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Sum(float* from, long count)
    {
        Vector512<float> a = default, b = default, c = default, d = default;
        var quarter = (nint)(count / 4);
        float* second = from + quarter, third = second + quarter, fourth = third + quarter;
        for (nint i = 0; i < quarter; i += 16)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch0(from + i + Ahead);
                Sse.Prefetch0(second + i + Ahead);
                Sse.Prefetch0(third + i + Ahead);
                Sse.Prefetch0(fourth + i + Ahead);
            }
            a += Vector512.Load(from + i);
            b += Vector512.Load(second + i);
            c += Vector512.Load(third + i);
            d += Vector512.Load(fourth + i);
        }
        return Vector512.Sum(a + b + (c + d));
    }
}
