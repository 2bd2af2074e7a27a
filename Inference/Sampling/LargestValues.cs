using System.Runtime.InteropServices;

namespace Emu3.Inference.Sampling;

/// <summary>Finds the k-th largest of many floats in three passes over their bits, without sorting them.</summary>
public sealed class LargestValues
{
    private const int BucketBits = 11;
    private readonly int[] buckets = new int[1 << BucketBits];

    /// <summary>The value such that at least <paramref name="k"/> values are as large and fewer than <paramref name="k"/> are larger.</summary>
    /// <param name="values">No NaN among them.</param>
    /// <param name="k">1 to the number of values.</param>
    public float Threshold(ReadOnlySpan<float> values, int k)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(k, values.Length);
        var bits = MemoryMarshal.Cast<float, int>(values);
        uint prefix = 0, mask = 0; // the upper bits of the wanted key that are known, and where they are
        foreach (var shift in (ReadOnlySpan<int>)[21, 10, 0])
        {
            var width = shift == 0 ? 10 : BucketBits;
            var counts = buckets.AsSpan(0, 1 << width);
            counts.Clear();
            foreach (var value in bits)
            {
                var key = Key(value);
                if ((key & mask) == prefix)
                    counts[(int)(key >> shift) & (counts.Length - 1)]++;
            }
            var bucket = counts.Length - 1;
            for (; counts[bucket] < k; bucket--)
                k -= counts[bucket];
            prefix |= (uint)bucket << shift;
            mask |= (uint)(counts.Length - 1) << shift;
        }
        return BitConverter.Int32BitsToSingle(Value(prefix));
    }

    /// <summary>Bits of a float as a number of the same order (negative floats are stored as sign and magnitude); −0 becomes +0.</summary>
    private static uint Key(int bits) => bits == int.MinValue ? 0x8000_0000u : (uint)(bits ^ ((bits >> 31) | int.MinValue));

    private static int Value(uint key) => (int)(key ^ (((key >> 31) - 1) | 0x8000_0000u));
}
