using System.Runtime.InteropServices;
using CsCheck;
using Emu3.Inference;
using Emu3.Inference.Batching;
using Emu3.Inference.Cpu.Kernels;
using Emu3.Inference.Model;
using Emu3.Inference.Tokens;
using Emu3.Inference.Weights;
using Emu3.Tests.Unit.Inference.Batching;
using Emu3.Tests.Unit.Inference.Engine;
using static TorchSharp.torch;

namespace Emu3.Tests.Golden;

/// <summary>The contract: the bits of a sequence's keys, values and logits do not depend on what runs beside it, nor on how it got there.</summary>
[Trait("Suite", "Golden")]
public sealed class RowInvarianceTests
{
    private static ModelFolder TinyA => ModelFolder.Open(TestEngines.TinyA);

    /// <summary>A request under observation.</summary>
    private sealed record Target(int Height, int Width, int[][] Prompts, SamplingSettings Sampling, ulong Seed, double Guidance)
    {
        public static Target Random(Random random, SpecialTokens tokens, int height, int width, int branches, int longestPrompt) => new(
            height, width, [.. Enumerable.Range(0, branches).Select(_ => RandomTokens(random, tokens, random.Next(1, longestPrompt)))],
            new SamplingSettings(1, 0, 1), (ulong)random.NextInt64(), 2.5);
    }

    /// <summary>All bits that a run left behind: for each drawn token the logits of both branches, at the end the cache of both.</summary>
    private sealed record Recording(int[] Ids, Dictionary<int, byte[]> Logits, byte[] Cache);

    private static int[] RandomTokens(Random random, SpecialTokens tokens, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => random.Next(tokens.FirstVisual + tokens.VisualCount))];

    /// <summary>Runs the target among neighbours that come and go.</summary>
    private static Recording Record(DecoderUnderTest decoder, Target target, int chunk, int neighbours = 0, int resumedAt = 0, int[]? ids = null, int seed = 1,
        IWindowPolicy? windows = null)
    {
        using var decoderSlots = decoder.Slots(neighbours + 2);
        var (tokens, random, runner) = (decoder.Config.Tokens, new Random(seed), decoderSlots.Runner);
        var scheduler = new BatchScheduler(new SlotPool(neighbours + 2), chunk, windows ?? new SingleDraws());
        var sequence = new Sequence(new ImageGrammar(target.Height, target.Width, tokens), target.Prompts, ids?[..resumedAt] ?? [], new DrawSettings(target.Sampling, target.Seed, GuidanceScale: target.Guidance));
        List<Sequence> others = [];
        var joinsAt = random.Next(4);
        int[] held = []; // slots of the target, also after it gave them back
        var logitBits = new Dictionary<int, byte[]>();
        for (var step = 0; !sequence.IsFinished; step++)
        {
            while (others.Count < neighbours && random.Next(3) > 0)
            {
                others.Add(new Sequence(new TextRules(-1, random.Next(1, 12)), [RandomTokens(random, tokens, random.Next(1, 40))], [], new DrawSettings(SamplingSettings.Greedy, Seed: 0)));
                scheduler.Add(others[^1]);
            }
            if (others.Count > 0 && random.Next(4) == 0)
            {
                scheduler.Remove(others[^1]);
                others.RemoveAt(others.Count - 1);
            }
            if (step == joinsAt)
                scheduler.Add(sequence);
            foreach (var admitted in scheduler.Admit())
                runner.Clear(admitted);
            if (sequence.Branches[0].Slot >= 0)
                held = [.. sequence.Branches.Select(branch => branch.Slot)];
            if (scheduler.Plan() is not { } plan)
                continue;
            var drawn = runner.Run(plan, (draw, conditional, unconditional) =>
            {
                if (draw.Sequence == sequence)
                    logitBits[draw.Index] = [.. MemoryMarshal.AsBytes(conditional), .. MemoryMarshal.AsBytes(unconditional)]; // behind a wrong guess it is drawn again
            });
            for (var i = 0; i < drawn.Length; i++)
                if (plan.Draws[i].Sequence != sequence)
                    drawn[i] = random.Next(tokens.FirstVisual);
            foreach (var finished in scheduler.Commit(plan, drawn).Finished)
                others.Remove(finished);
        }
        return new Recording([.. sequence.Generated], logitBits, [.. sequence.Branches.SelectMany((branch, i) => decoderSlots.CacheBits(held[i], branch.CachedCount))]);
    }

    private static void RequireEqual(Recording expected, Recording found, string how)
    {
        Assert.Equal(expected.Ids, found.Ids);
        foreach (var (index, bits) in found.Logits)
            Assert.True(bits.AsSpan().SequenceEqual(expected.Logits[index]), $"{how}: the logits of token {index} have other bits");
        Assert.True(found.Cache.AsSpan().SequenceEqual(expected.Cache), $"{how}: keys or values have other bits");
    }

    [Theory]
    [InlineData(1, Way.Cpu)]
    [InlineData(2, Way.Cpu)] // guidance
    [InlineData(1, Way.Torch)]
    [InlineData(2, Way.Torch)]
    public void Bits_ChunksNeighboursAndInstances_AreThoseOfTheSequenceAlone(int branches, Way way)
    {
        using var decoder = DecoderUnderTest.Open(TinyA, way);
        var target = Target.Random(new Random(branches), decoder.Config.Tokens, 3, 4, branches, 150);
        var alone = Record(decoder, target, chunk: 1000);
        foreach (var chunk in (int[])[1, 5, 64])
            RequireEqual(alone, Record(decoder, target, chunk), $"in chunks of {chunk}");
        foreach (var neighbours in (int[])[1, 2, 7, 15, 31])
            RequireEqual(alone, Record(decoder, target, chunk: 64, neighbours, seed: neighbours), $"among {neighbours} neighbours");
        using var another = DecoderUnderTest.Open(TinyA, way);
        RequireEqual(alone, Record(another, target, chunk: 5, neighbours: 3), "in another instance");
    }

    /// <summary>Of guesses that are mostly wrong, as the checkpoint is not trained, and of those of a trained one.</summary>
    [Theory]
    [InlineData("tiny-a", 1, Way.Cpu)]
    [InlineData("tiny-a", 2, Way.Cpu)]
    [InlineData("emu3-tiny", 2, Way.Cpu)]
    [InlineData("tiny-a", 1, Way.Torch)]
    [InlineData("tiny-a", 2, Way.Torch)]
    public void Bits_InWindowsOfGuesses_AreThoseOfOneTokenAStep(string checkpoint, int branches, Way way)
    {
        using var decoder = DecoderUnderTest.Open(checkpoint == "tiny-a" ? TinyA : ModelFolder.Open(TestEngines.Trained), way);
        var target = Target.Random(new Random(20 + branches), decoder.Config.Tokens, 5, 6, branches, 120);
        var single = Record(decoder, target, chunk: 1000);
        foreach (var seed in (int[])[1, 2, 3])
            RequireEqual(single, Record(decoder, target, chunk: 64, neighbours: 3 * (seed - 1), seed: seed, windows: new RandomWindows(new Random(seed))), $"in windows, {seed}");
        RequireEqual(single, Record(decoder, target, chunk: 64, resumedAt: 9, ids: single.Ids, windows: new LongestWindows()), "in windows, resumed");
    }

    [Theory]
    [InlineData(1, Way.Cpu)]
    [InlineData(2, Way.Cpu)]
    [InlineData(1, Way.Torch)]
    [InlineData(2, Way.Torch)]
    public void Bits_ResumedAtEveryToken_AreThoseOfAnUndisturbedRun(int branches, Way way)
    {
        using var decoder = DecoderUnderTest.Open(TinyA, way);
        var target = Target.Random(new Random(10 + branches), decoder.Config.Tokens, 3, 3, branches, 30);
        var undisturbed = Record(decoder, target, chunk: 1000);
        for (var at = 0; at < 3 * 4 - 1; at++)
            RequireEqual(undisturbed, Record(decoder, target, chunk: 64, neighbours: at % 4, resumedAt: at, ids: undisturbed.Ids), $"resumed at {at}");
    }

    [Theory]
    [InlineData("tiny-a", 256, Way.Cpu)]
    [InlineData("tiny-a", 1024, Way.Cpu)] // and beyond a segment of four blocks
    [InlineData("emu3-tiny", 128, Way.Cpu)]
    [InlineData("tiny-a", 256, Way.Torch)]
    [InlineData("emu3-tiny", 128, Way.Torch)]
    public void Bits_BeyondABlockOfKeys_AreThoseOfTheSequenceAlone(string checkpoint, int block, Way way)
    {
        using var decoder = DecoderUnderTest.Open(checkpoint == "tiny-a" ? TinyA : ModelFolder.Open(TestEngines.Trained), way);
        var random = new Random(5);
        // From before the first block's end to behind it, and, where that is not too long, into the third block.
        foreach (var length in block == 1024 ? [block - 4] : (int[])[block - 4, 2 * block - 3])
        {
            var target = Target.Random(random, decoder.Config.Tokens, 2, 3, 1, 2) with { Prompts = [RandomTokens(random, decoder.Config.Tokens, length)] };
            var alone = Record(decoder, target, chunk: 10_000);
            RequireEqual(alone, Record(decoder, target, chunk: 64, neighbours: 9), $"prompt of {length} among 9");
        }
    }

    [Theory]
    [InlineData(Way.Cpu)]
    [InlineData(Way.Torch)]
    public void Bits_AnyRequest_AreThoseOfTheSequenceAlone(Way way)
    {
        using var decoder = DecoderUnderTest.Open(TinyA, way);
        Gen.Select(Gen.Int, Gen.Int[1, 4], Gen.Int[1, 4], Gen.Int[1, 2], Gen.Int[1, 80], Gen.Int[0, 12]).Sample((seed, height, width, branches, chunk, neighbours) =>
        {
            var target = Target.Random(new Random(seed), decoder.Config.Tokens, height, width, branches, 60);
            var alone = Record(decoder, target, chunk: 1000);
            RequireEqual(alone, Record(decoder, target, chunk, neighbours, seed: seed), "somewhere");
        }, iter: 12, threads: 1);
    }

    [Fact]
    public void Bits_OtherInstructionsAndThreads_AreTheSame()
    {
        using var decoder = new CpuDecoderUnderTest(TinyA);
        var target = Target.Random(new Random(7), decoder.Config.Tokens, 3, 4, 2, 100);
        var expected = Record(decoder, target, chunk: 1000);
        foreach (var kernels in CpuKernels.All)
            foreach (var threads in (int[])[1, 3])
            {
                using var other = new CpuDecoderUnderTest(TinyA, kernels, threads);
                RequireEqual(expected, Record(other, target, chunk: 64, neighbours: 3), $"{kernels.Name}, {threads} threads");
            }
    }

    [Fact]
    public void FindFloor_StockKernel_HoldsSomewhere()
    {
        foreach (var folder in (string[])[TestEngines.TinyA, TestEngines.TinyB])
        {
            using var decoder = new TorchDecoderUnderTest(ModelFolder.Open(folder));
            Assert.NotNull(RowInvariance.FindFloor(decoder.Model));
        }
    }

    [Fact]
    public void FindFloor_KernelThatRoundsByRowCount_FindsTheFloorWhereItDoesNot()
    {
        // Other sums for odd multiples of the stock kernel's floor, as a blocked kernel's remainder would have.
        using var stock = new TorchDecoderUnderTest(TinyA);
        var block = 2 * stock.RowFloor;
        using var decoder = new TorchDecoderUnderTest(TinyA, (x, w, b, onto) => x.size(0) % block == 0 ? Emu3Model.Linear(x, w, b, onto) : InTwoSums(x, w, b, onto));
        Assert.Contains(RowInvariance.FailedCounts(decoder.Model), count => count % stock.RowFloor == 0);
        Assert.Equal(RowCounts.Floors.First(floor => floor % block == 0), decoder.RowFloor);
    }

    [Fact]
    public void FindFloor_KernelThatRoundsByRowIndex_FindsNone()
    {
        using var decoder = new TorchDecoderUnderTest(TinyA, (x, w, b, onto) =>
        {
            var own = cat([Emu3Model.Linear(x.narrow(0, 0, x.size(0) - 1), w, b), InTwoSums(x.narrow(0, x.size(0) - 1, 1), w, b)]);
            return onto is null ? own : onto.add_(own, Numbers.One);
        });
        Assert.Null(RowInvariance.FindFloor(decoder.Model));
    }

    private static Tensor InTwoSums(Tensor x, Tensor weight, Tensor? bias, Tensor? onto = null)
    {
        var half = x.size(1) / 2;
        var second = x.narrow(1, half, x.size(1) - half).matmul(weight.narrow(1, half, x.size(1) - half).t());
        var sum = x.narrow(1, 0, half).matmul(weight.narrow(1, 0, half).t()).add_(second, Numbers.One);
        sum = bias is null ? sum : sum.add_(bias, Numbers.One);
        return onto is null ? sum : onto.add_(sum, Numbers.One);
    }
}
