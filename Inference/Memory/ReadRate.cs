using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu3.Inference.Cpu;

namespace Emu3.Inference.Memory;

/// <summary>How fast this machine reads its memory: what bounds passes with few rows, which read all weights once.</summary>
public static unsafe class ReadRate
{
    private const int Rounds = 7;
    private const long Count = 64 << 20; // numbers, 256 MiB: far more than most caches hold

    /// <summary>Bytes a second that all threads together read, measured in a fraction of a second. The shortest of some runs: a shared machine only makes things slower.</summary>
    /// <param name="threads">That read.</param>
    public static double Measure(int threads)
    {
        using var pool = new WorkerPool(threads);
        using var memory = new NativeFloats(Count);
        memory.Span.Fill(1);
        var parts = 8 * threads;
        var sums = new float[parts];
        var best = double.PositiveInfinity;
        for (var round = 0; round < Rounds; round++)
        {
            var began = Stopwatch.GetTimestamp();
            pool.Run(parts, (part, _) => sums[part] = Sum(memory.Address + Count / parts * part, Count / parts / Step * Step));
            best = Math.Min(best, Stopwatch.GetElapsedTime(began).TotalSeconds);
        }
        return Count * sizeof(float) / best;
    }

    private const int Step = 64; // numbers of a turn

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Sum(float* from, long count)
    {
        Vector512<float> a = default, b = default, c = default, d = default;
        for (var end = from + count; from < end; from += Step)
        {
            a += Vector512.Load(from);
            b += Vector512.Load(from + 16);
            c += Vector512.Load(from + 32);
            d += Vector512.Load(from + 48);
        }
        return Vector512.Sum(a + b + (c + d));
    }
}
