using CsCheck;
using Emu3.Inference;
using Emu3.Inference.Sampling;

namespace Emu3.Tests.Unit.Inference.Sampling;

[Trait("Suite", "Fast")]
public sealed class SamplerTests
{
    private const int FirstToken = 850;
    private static readonly float[] Logits = [0, 1, 2, 3, 0.5f, 1.5f, -1, 2.5f];

    /// <summary>The definition, written as slowly as it can be.</summary>
    private static int Expected(float[] logits, SamplingSettings settings, ulong seed, int index, uint sample)
    {
        var kept = Enumerable.Range(0, logits.Length).OrderByDescending(i => logits[i]).ThenBy(i => i).ToList();
        if (settings.Temperature == 0)
            return FirstToken + kept[0];
        if (settings.TopK > 0 && settings.TopK < kept.Count)
            kept.RemoveAll(i => logits[i] < logits[kept[settings.TopK - 1]]);
        if (settings.TopP < 1)
        {
            var weights = kept.Select(i => Math.Exp((logits[i] - (double)logits[kept[0]]) / settings.Temperature)).ToList();
            var (sum, count) = (0.0, 0);
            do
                sum += weights[count++];
            while (count < kept.Count && sum < settings.TopP * weights.Sum());
            kept = kept[..count];
        }
        return kept.Select(i => (Token: FirstToken + i, Noisy: logits[i] / settings.Temperature
                + PositionalNoise.Gumbel(PositionalNoise.At(seed, index, (FirstToken + i) / 4, sample)[(FirstToken + i) % 4])))
            .OrderByDescending(x => x.Noisy).ThenBy(x => x.Token).First().Token;
    }

    private static Gen<SamplingSettings> Settings => Gen.Select(
        Gen.OneOf(0.0, 0.3, 0.7, 1.0, 2.5), Gen.Int[0, 40], Gen.OneOf<double>(Gen.Const(1.0), Gen.Double[0.05, 0.999]), (t, k, p) => new SamplingSettings(t, k, p));

    [Fact]
    public void Draw_AnyLogitsAndSettings_FollowsTheDefinition()
    {
        var logits = Gen.OneOf(Gen.Float[-8, 8], Gen.Int[-2, 2].Select(i => (float)i)).Array[1, 60];
        Gen.Select(logits, Settings, Gen.ULong, Gen.Int[0, 9000], Gen.UInt[0, 3]).Sample((values, settings, seed, index, sample) =>
            new Sampler(60).Draw(values, FirstToken, settings, seed, index, sample) == Expected(values, settings, seed, index, sample));
    }

    /// <summary>Most tokens are passed over without computing their noise: never one that would have won.</summary>
    [Theory]
    [InlineData(1e-40)]
    [InlineData(1e-6)]
    [InlineData(0.2)]
    [InlineData(1.0)]
    [InlineData(50.0)]
    [InlineData(1e12)]
    public void Draw_ManyLogitsAtAnyTemperature_FollowsTheDefinition(double temperature)
    {
        var random = new Random(1);
        for (var turn = 0; turn < 60; turn++)
        {
            var spread = MathF.ScaleB(1, random.Next(-12, 8));
            float[] logits = [.. Enumerable.Range(0, 600).Select(i => i % 50 == 1 ? float.NegativeInfinity : i % 7 == 0 ? 3 * spread : (random.NextSingle() - 0.5f) * spread)];
            var settings = new SamplingSettings(temperature, turn % 3 * 100, 1);
            Assert.Equal(Expected(logits, settings, 5, turn, 0), new Sampler(600).Draw(logits, FirstToken, settings, 5, turn, 0));
        }
    }

    [Fact]
    public void Draw_ManySamples_FollowTheSoftmax()
    {
        const int count = 20_000;
        var sampler = new Sampler(Logits.Length);
        var hits = new int[Logits.Length];
        for (var sample = 0u; sample < count; sample++)
            hits[sampler.Draw(Logits, FirstToken, new SamplingSettings(1, 0, 1), 42, 3, sample)!.Value - FirstToken]++;
        var total = Logits.Sum(logit => Math.Exp(logit));
        var chiSquare = Logits.Select((logit, i) => (Expected: count * Math.Exp(logit) / total, Hits: hits[i]))
            .Sum(x => (x.Hits - x.Expected) * (x.Hits - x.Expected) / x.Expected);
        Assert.InRange(chiSquare, 0, 24.32); // 7 degrees of freedom, p = 0.001
    }

    [Fact]
    public void Draw_TopKWithTies_KeepsAllEqualOnes()
    {
        var sampler = new Sampler(4);
        var drawn = Enumerable.Range(0, 400).Select(i => sampler.Draw([2f, 1f, 1f, 0f], 0, new SamplingSettings(1, 2, 1), 1, i, 0)).ToHashSet();
        Assert.Equal([0, 1, 2], drawn.Order());
    }

    [Fact]
    public void Draw_TopP_KeepsTheTokenThatCrosses()
    {
        float[] logits = [MathF.Log(0.5f), MathF.Log(0.3f), MathF.Log(0.2f)];
        HashSet<int?> Drawn(double p) =>
            [.. Enumerable.Range(0, 400).Select(i => new Sampler(3).Draw(logits, 0, new SamplingSettings(1, 0, p), 1, i, 0))];
        Assert.Equal([0], Drawn(0.45).Order());
        Assert.Equal([0, 1], Drawn(0.55).Order());
        Assert.Equal([0, 1, 2], Drawn(0.85).Order());
    }

    [Fact]
    public void Draw_TemperatureZero_TakesTheLowestOfEqualOnes() =>
        Assert.Equal(11, new Sampler(4).Draw([0f, 5f, 5f, 1f], 10, SamplingSettings.Greedy, 1, 0, 0));

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Draw_LogitIsNoNumber_DrawsNothing(float bad)
    {
        for (var at = 0; at < 40; at++)
        {
            var logits = new float[40];
            logits[at] = bad;
            Assert.Null(new Sampler(40).Draw(logits, 0, new SamplingSettings(1, 5, 0.9), 1, 0, 0));
            Assert.Null(new Sampler(40).Draw(logits, 0, SamplingSettings.Greedy, 1, 0, 0));
        }
    }

    [Fact]
    public void Guide_AnyLength_HasTheSameBitsInEveryPosition() =>
        Gen.Select(Gen.Float[-20, 20].Array[70], Gen.Float[-20, 20].Array[70], Gen.Double[0.5, 9]).Sample((c, u, scale) =>
        {
            var sampler = new Sampler(70);
            var whole = sampler.Guide(c, u, scale).ToArray();
            for (var length = 1; length < 70; length += 7)
                Assert.Equal(whole[..length], sampler.Guide(c.AsSpan(0, length), u.AsSpan(0, length), scale).ToArray());
            for (var i = 0; i < 70; i++)
                Assert.Equal(u[i] + (float)scale * (c[i] - u[i]), whole[i]);
        }, iter: 50);
}
