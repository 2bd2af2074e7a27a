using CsCheck;
using Emu3.Inference;
using Emu3.Inference.Batching;
using Emu3.Inference.Engine;
using Emu3.Inference.Model;
using Emu3.Inference.Sampling;
using Emu3.Inference.Weights;
using static TorchSharp.torch;

namespace Emu3.Tests.Unit.Inference.Engine;

/// <summary>What is drawn on a device is what <see cref="Sampler"/> draws from the same logits.</summary>
[Trait("Suite", "Fast")]
public sealed class DeviceSamplerTests : IDisposable
{
    private const int FirstToken = 850;

    private readonly IDisposable _inference;
    private readonly HostLink _link;

    public DeviceSamplerTests()
    {
        TorchNative.EnsureLoaded();
        _inference = inference_mode();
        _link = new HostLink(CPU);
    }

    public void Dispose() => _inference.Dispose();

    private static Gen<SamplingSettings> Settings => Gen.Select(
        Gen.OneOf(0.0, 1e-40, 0.01, 0.7, 1.0, 2.5), Gen.OneOf(Gen.Const(0), Gen.Int[1, 40], Gen.Int[1, 6000]), Gen.OneOf<double>(Gen.Const(1.0), Gen.Double[0.001, 0.9999], Gen.OneOf(0.5, 0.25)),
        (t, k, p) => new SamplingSettings(t, k, p));

    /// <summary>Logits of one kind, by seed: spread or narrow, of few values, rounded to half precision, with −∞, all the same.</summary>
    private static float[] Row(int kind, int width, Random random)
    {
        var spread = MathF.ScaleB(1, random.Next(-4, 5));
        float Number() => kind switch
        {
            0 => (random.NextSingle() - 0.5f) * spread,
            1 => random.Next(-2, 3) * spread,
            2 => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits((random.NextSingle() + random.NextSingle() - 1) * spread) & ~0xFFFF),
            3 => random.Next(3) == 0 ? float.NegativeInfinity : random.NextSingle() * spread,
            _ => spread,
        };
        return [.. Enumerable.Range(0, width).Select(_ => Number())];
    }

    private void RequireEqual(int width, (float[] Conditional, float[]? Unconditional, DrawSettings Settings, int Index)[] draws, out DeviceSampler sampler)
    {
        using var scope = NewDisposeScope();
        float[][] rows = [.. draws.SelectMany(draw => draw.Unconditional is null ? (float[][])[draw.Conditional] : [draw.Conditional, draw.Unconditional])];
        var logits = tensor([.. rows.SelectMany(row => row)], [rows.Length, width]);
        var at = 0;
        List<DeviceDraw> planned = [];
        foreach (var draw in draws)
        {
            planned.Add(new DeviceDraw(logits, at, draw.Unconditional is null ? -1 : at + 1, FirstToken, draw.Settings, draw.Index));
            at += draw.Unconditional is null ? 1 : 2;
        }
        sampler = new DeviceSampler(_link, width);
        var found = sampler.Draw(planned);
        var reference = new Sampler(width);
        for (var i = 0; i < draws.Length; i++)
        {
            var (sampling, seed, sampleIndex, scale) = draws[i].Settings;
            var guided = draws[i].Unconditional is { } unconditional ? reference.Guide(draws[i].Conditional, unconditional, scale) : draws[i].Conditional;
            Assert.Equal(reference.Draw(guided, FirstToken, sampling, seed, draws[i].Index, sampleIndex), found[i]);
        }
    }

    [Fact]
    public void Draw_AnyLogitsAndSettings_GivesTheSamplersTokens() =>
        Gen.Select(Gen.OneOf(Gen.Int[1, 60], Gen.Int[2500, 5000]), Gen.Select(Settings, Gen.Int[0, 4], Gen.Bool, Gen.ULong).Array[1, 6], Gen.Int).Sample((width, draws, seed) =>
        {
            var random = new Random(seed);
            RequireEqual(width, [.. draws.Select(draw => (
                Row(draw.Item2, width, random), draw.Item3 ? Row(draw.Item2, width, random) : null, new DrawSettings(draw.Item1, draw.Item4, (uint)random.Next(3), 3.5), random.Next(9000)))], out _);
        }, iter: 150, threads: 1);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 0.9)]
    [InlineData(0, 0.3)]
    [InlineData(10_000, 1)]
    [InlineData(10_000, 0.95)]
    public void Draw_OfTheWholeVocabulary_NeedsNoWholeRow(int topK, double topP)
    {
        var random = new Random(topK);
        foreach (var spread in (float[])[0, 0.5f, 4, 12]) // from all equal to a few likely ones
        {
            RequireEqual(32_768, [.. Enumerable.Range(0, 4).Select(i => (
                Enumerable.Range(0, 32_768).Select(_ => (random.NextSingle() + random.NextSingle() - 1) * spread).ToArray(), (float[]?)null,
                new DrawSettings(new SamplingSettings(1, topK, topP), (ulong)random.NextInt64()), random.Next(9000)))], out var sampler);
            Assert.True(sampler.WholeRowCount == 0, $"{sampler.WholeRowCount} rows were fetched at spread {spread}");
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Draw_LogitsThatAreNoNumbers_GiveNull(float broken)
    {
        foreach (var settings in (SamplingSettings[])[SamplingSettings.Greedy, new(1, 2048, 1), new(1, 0, 0.9), new(1, 0, 1)])
        {
            var row = Row(0, 5000, new Random(1));
            row[4321] = broken;
            RequireEqual(5000, [(row, null, new DrawSettings(settings, 1), 3), (Row(0, 5000, new Random(2)), null, new DrawSettings(settings, 1), 4)], out _);
        }
        RequireEqual(4, [([.. Enumerable.Repeat(float.NegativeInfinity, 4)], null, new DrawSettings(SamplingSettings.Greedy, 1), 0)], out _);
    }

    [Fact]
    public void Draw_MoreEqualLogitsThanCandidates_FetchesTheRow()
    {
        RequireEqual(5000, [(Row(4, 5000, new Random(1)), null, new DrawSettings(new SamplingSettings(1, 2048, 1), 7), 3)], out var sampler);
        Assert.Equal(1, sampler.WholeRowCount);
    }

    /// <summary>At most 32 KB for each drawn token, and one wait for all, whatever is asked for.</summary>
    [Theory]
    [InlineData(32_768)]
    [InlineData(184_622)]
    public void Draw_AnySettings_TakesOneWaitAndAtMost32KilobytesAToken(int width)
    {
        var random = new Random(3);
        foreach (var sampling in (SamplingSettings[])[SamplingSettings.Greedy, new(1, 2048, 1), new(1, 2048, 0.9), new(0.7, 0, 0.9), new(1, 0, 1), new(1, 4000, 1)])
        {
            var (waits, bytes) = (_link.ReceivedCount, _link.ReceivedBytes);
            RequireEqual(width, [.. Enumerable.Range(0, 3).Select(i => (
                Row(2, width, random), sampling.TopK == 2048 ? Row(2, width, random) : null, new DrawSettings(sampling, (ulong)i, GuidanceScale: 3), i))], out _);
            Assert.Equal(1, _link.ReceivedCount - waits);
            Assert.InRange(_link.ReceivedBytes - bytes, 1, 3 * 32 * 1024);
        }
    }
}
