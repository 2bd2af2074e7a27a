using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Emu3.Inference.Sampling;

/// <summary>The words of <see cref="PositionalNoise"/> for sixteen tokens at once. Integers only: the same on every machine.</summary>
internal static class NoiseWords
{
    /// <summary>The word of each token.</summary>
    /// <param name="seed">Of the request.</param>
    /// <param name="index">Of the new token among the generated ones of its sequence.</param>
    /// <param name="tokens">Ids.</param>
    /// <param name="sampleIndex">Which sample of the seed.</param>
    public static Vector512<uint> Of(ulong seed, int index, Vector512<uint> tokens, uint sampleIndex)
    {
        var (c0, c1, c2, c3) = (Vector512.Create((uint)index), tokens >> 2, Vector512.Create(sampleIndex), Vector512<uint>.Zero);
        var (k0, k1) = ((uint)seed, (uint)(seed >> 32));
        for (var round = 0; round < 10; round++)
        {
            var (leftUpper, leftLower) = Multiply(c0, 0xD2511F53u);
            var (rightUpper, rightLower) = Multiply(c2, 0xCD9E8D57u);
            (c0, c1, c2, c3) = (rightUpper ^ c1 ^ Vector512.Create(k0), rightLower, leftUpper ^ c3 ^ Vector512.Create(k1), leftLower);
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        var isOdd = Vector512.Equals(tokens & Vector512<uint>.One, Vector512<uint>.One);
        var isUpper = Vector512.Equals(tokens & Vector512.Create(2u), Vector512.Create(2u));
        return Vector512.ConditionalSelect(isUpper, Vector512.ConditionalSelect(isOdd, c3, c2), Vector512.ConditionalSelect(isOdd, c1, c0));
    }

    /// <summary>Both halves of the 64-bit products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<uint> Upper, Vector512<uint> Lower) Multiply(Vector512<uint> a, uint factor)
    {
        var lowerHalf = Vector512.Create(0xFFFF_FFFFul);
        var odd = a.AsUInt64() >> 32;
        Vector512<ulong> evenProduct, oddProduct;
        if (Avx512F.IsSupported)
            (evenProduct, oddProduct) = (Avx512F.Multiply(a, Vector512.Create(factor)), Avx512F.Multiply(odd.AsUInt32(), Vector512.Create(factor)));
        else
            (evenProduct, oddProduct) = ((a.AsUInt64() & lowerHalf) * factor, odd * factor);
        return ((evenProduct >> 32 | oddProduct & ~lowerHalf).AsUInt32(), (evenProduct & lowerHalf | oddProduct << 32).AsUInt32());
    }
}
