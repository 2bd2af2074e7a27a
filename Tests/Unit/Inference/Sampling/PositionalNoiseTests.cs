using System.Runtime.Intrinsics;
using Emu3.Inference.Sampling;

namespace Emu3.Tests.Unit.Inference.Sampling;

[Trait("Suite", "Fast")]
public sealed class PositionalNoiseTests
{
    // The known answers that come with Random123 (kat_vectors): zeros, ones, digits of π.
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0ul, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(~0u, ~0u, ~0u, ~0u, ~0ul, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0x299f31d0_a4093822ul, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Philox_KnownCounterAndKey_GivesKnownWords(
        uint c0, uint c1, uint c2, uint c3, ulong key, uint x0, uint x1, uint x2, uint x3) =>
        Assert.Equal(new PositionalNoise.Block(x0, x1, x2, x3), PositionalNoise.Philox(c0, c1, c2, c3, key));

    [Fact]
    public void At_EachArgument_ChangesTheBlock()
    {
        var block = PositionalNoise.At(1, 2, 3, 4);
        Assert.NotEqual(block, PositionalNoise.At(2, 2, 3, 4));
        Assert.NotEqual(block, PositionalNoise.At(1ul << 32 | 1, 2, 3, 4));
        Assert.NotEqual(block, PositionalNoise.At(1, 3, 3, 4));
        Assert.NotEqual(block, PositionalNoise.At(1, 2, 4, 4));
        Assert.NotEqual(block, PositionalNoise.At(1, 2, 3, 5));
        Assert.Equal(block, PositionalNoise.At(1, 2, 3, 4));
    }

    [Fact]
    public void NoiseWords_OfSixteenTokens_AreThoseOfEachAlone()
    {
        var random = new Random(1);
        for (var turn = 0; turn < 1000; turn++)
        {
            var (seed, index, sample) = ((ulong)random.NextInt64(), random.Next(9000), (uint)random.Next());
            uint[] tokens = [.. Enumerable.Range(0, 16).Select(_ => (uint)random.Next(200_000))];
            var words = NoiseWords.Of(seed, index, Vector512.Create(tokens), sample);
            for (var i = 0; i < 16; i++)
                Assert.Equal(PositionalNoise.At(seed, index, (int)tokens[i] >> 2, sample)[(int)tokens[i] & 3], words[i]);
        }
    }

    [Fact]
    public void Gumbel_ExtremeWords_AreFiniteAndBounded()
    {
        Assert.InRange(PositionalNoise.Gumbel(uint.MaxValue), 17.3, 17.33); // −log(−log(1 − 2⁻²⁵))
        Assert.InRange(PositionalNoise.Gumbel(0), -2.9, -2.8); // −log(−log 2⁻²⁵)
    }

    [Fact]
    public void Gumbel_ManyPositions_HasTheMeanAndVarianceOfTheDistribution()
    {
        const int count = 200_000;
        var values = Enumerable.Range(0, count).Select(i => PositionalNoise.Gumbel(PositionalNoise.At(7, i, i % 97, 0)[i & 3])).ToArray();
        var mean = values.Average();
        Assert.Equal(0.5772157, mean, 0.012); // Euler's constant; four standard errors
        Assert.Equal(Math.PI * Math.PI / 6, values.Average(value => (value - mean) * (value - mean)), 0.035);
    }
}
