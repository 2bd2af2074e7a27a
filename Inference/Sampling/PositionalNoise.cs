using System.Runtime.CompilerServices;
using Emu3.Inference.Cpu.Kernels;

namespace Emu3.Inference.Sampling;

/// <summary>
/// The noise of a draw as a pure function of where it is used: no generator holds a state, so a picture can be resumed, batched or
/// computed in another order without changing. Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
/// </summary>
public static class PositionalNoise
{
    /// <summary>Four words of one counter and key.</summary>
    public readonly record struct Block(uint X0, uint X1, uint X2, uint X3)
    {
        /// <summary>The word at 0 to 3.</summary>
        public uint this[int index] => index switch { 0 => X0, 1 => X1, 2 => X2, _ => X3 };
    }

    /// <summary>Ten rounds of Philox4x32.</summary>
    public static Block Philox(uint c0, uint c1, uint c2, uint c3, ulong key)
    {
        var (k0, k1) = ((uint)key, (uint)(key >> 32));
        for (var round = 0; round < 10; round++)
        {
            var left = (ulong)c0 * 0xD2511F53u;
            var right = (ulong)c2 * 0xCD9E8D57u;
            (c0, c1, c2, c3) = ((uint)(right >> 32) ^ c1 ^ k0, (uint)right, (uint)(left >> 32) ^ c3 ^ k1, (uint)left);
            k0 += 0x9E3779B9u; // golden ratio
            k1 += 0xBB67AE85u; // √3 − 1
        }
        return new Block(c0, c1, c2, c3);
    }

    /// <summary>The block that token ids 4·<paramref name="tokenQuarter"/> to 4·<paramref name="tokenQuarter"/> + 3 share.</summary>
    /// <param name="seed">Of the request.</param>
    /// <param name="index">Of the new token among the generated ones of its sequence.</param>
    /// <param name="tokenQuarter">Token id ÷ 4.</param>
    /// <param name="sampleIndex">Which sample of the seed.</param>
    public static Block At(ulong seed, int index, int tokenQuarter, uint sampleIndex) =>
        Philox((uint)index, (uint)tokenQuarter, sampleIndex, 0, seed);

    /// <summary>A standard Gumbel variate from a word: its 24 upper bits, centred in their cell, are the uniform one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Gumbel(uint word) => -DoubleFunctions.Log(-DoubleFunctions.Log(((word >> 8) + 0.5) * (1.0 / (1 << 24))));
}
