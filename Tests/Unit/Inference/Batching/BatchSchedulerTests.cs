using CsCheck;
using Emu3.Inference;
using Emu3.Inference.Batching;
using Emu3.Inference.Tokens;
using Emu3.Tests.Unit.Inference.Tokens;

namespace Emu3.Tests.Unit.Inference.Batching;

[Trait("Suite", "Fast")]
public sealed class BatchSchedulerTests
{
    private static readonly SpecialTokens Tokens = ImageGrammarTests.Tokens;
    private static readonly DrawSettings Settings = new(SamplingSettings.Greedy, Seed: 0);

    private static Sequence Picture(int h, int w, params int[] promptLengths) =>
        new(new ImageGrammar(h, w, Tokens), [.. promptLengths.Select(length => Enumerable.Range(10, length).ToArray())], [], Settings);

    private static Sequence Text(int promptLength, int maxLength) =>
        new(new TextRules(2, maxLength), [Enumerable.Range(10, promptLength).ToArray()], [], Settings);

    private static int?[] DrawAll(BatchPlan plan, int token) => [.. Enumerable.Repeat<int?>(token, plan.Draws.Count)];

    [Fact]
    public void Plan_EndOfRow_FeedsTheLastVisualTokenAndTheEndOfLineTogether()
    {
        var scheduler = new BatchScheduler(new SlotPool(1), 64, new SingleDraws());
        scheduler.Add(Picture(2, 2, 3));
        scheduler.Admit();
        List<(int[] Tokens, int[] Positions)> steps = [];
        while (scheduler.Plan() is { } plan)
        {
            steps.Add(([.. plan.Rows.Select(row => row.Token)], [.. plan.Rows.Select(row => row.Position)]));
            scheduler.Commit(plan, DrawAll(plan, 100 + steps.Count));
        }
        // The last visual token, its end of line and the three closing tokens never need a forward pass.
        Assert.Equal([[10, 11, 12], [101], [102, 6], [103]], steps.Select(step => step.Tokens));
        Assert.Equal([[0, 1, 2], [3], [4, 5], [6]], steps.Select(step => step.Positions));
    }

    [Fact]
    public void Plan_BranchesOfUnequalLength_DrawInTheSameStep()
    {
        var scheduler = new BatchScheduler(new SlotPool(2), 4, new SingleDraws());
        var sequence = Picture(1, 2, 3, 9);
        scheduler.Add(sequence);
        scheduler.Admit();
        List<int> draws = [];
        while (scheduler.Plan() is { } plan)
        {
            draws.Add(plan.Draws.Count);
            foreach (var draw in plan.Draws)
                Assert.Equal(plan.Rows[draw.ConditionalRow].Token - (draw.Sequence.Generated.Count == 0 ? 12 : 0),
                    plan.Rows[draw.UnconditionalRow].Token - (draw.Sequence.Generated.Count == 0 ? 18 : 0));
            scheduler.Commit(plan, DrawAll(plan, 100));
        }
        Assert.Equal([0, 0, 1, 1], draws); // 2 + 2 prompt rows, then 4, then the last two with both drawing rows
    }

    [Fact]
    public void Admit_FirstNeedsMoreThanIsFree_NobodyOvertakes()
    {
        var slots = new SlotPool(3);
        var scheduler = new BatchScheduler(slots, 64, new SingleDraws());
        Sequence first = Picture(2, 2, 3, 4), second = Picture(2, 2, 3, 4), third = Text(3, 5);
        foreach (var sequence in new[] { first, second, third })
            scheduler.Add(sequence);
        Assert.Equal([first], scheduler.Admit());
        Assert.Empty(scheduler.Admit());
        scheduler.Remove(first);
        Assert.Equal([second, third], scheduler.Admit());
        Assert.Equal(0, slots.FreeCount);
    }

    [Fact]
    public void Commit_SequenceWasRemoved_IsPassedOver()
    {
        var slots = new SlotPool(2);
        var scheduler = new BatchScheduler(slots, 64, new SingleDraws());
        Sequence gone = Text(3, 5), stays = Text(3, 5);
        scheduler.Add(gone);
        scheduler.Add(stays);
        scheduler.Admit();
        var plan = scheduler.Plan()!;
        scheduler.Remove(gone);
        scheduler.Commit(plan, [7, 8]);
        Assert.Empty(gone.Generated);
        Assert.Equal([8], stays.Generated);
        Assert.Equal(1, slots.FreeCount);
    }

    [Fact]
    public void Sequence_BroughtAllButTheForcedEnd_IsFinishedAtOnce()
    {
        var sequence = new Sequence(new ImageGrammar(1, 2, Tokens), [[1]], [100, 101], Settings);
        Assert.Equal([100, 101, 6, 7, 4, 2], sequence.Generated);
        Assert.True(sequence.IsFinished);
        Assert.Throws<ArgumentException>(() => new BatchScheduler(new SlotPool(1), 1, new SingleDraws()).Add(sequence));
    }

    private sealed record Arrival(int AtStep, bool IsPicture, int Height, int Width, int[] PromptLengths, int Brought, int CancelAfter);

    private static readonly Gen<Arrival> Arrivals = Gen.Select(
        Gen.Int[0, 30], Gen.Bool, Gen.Int[1, 4], Gen.Int[1, 4], Gen.Int[1, 20].Array[1, 2], Gen.Int[0, 12], Gen.OneOf(Gen.Const(int.MaxValue), Gen.Int[0, 12]))
        .Select((at, picture, h, w, prompts, brought, cancel) => new Arrival(at, picture, h, w, prompts, brought, cancel));

    [Fact]
    public void Run_AnyArrivalsAndCancellations_KeepsTheBooks() =>
        Gen.Select(Arrivals.Array[1, 12], Gen.Int[2, 6], Gen.OneOf(1, 3, 5, 64), Gen.Int).Sample(
            (arrivals, slotCount, chunk, seed) => new Run(slotCount, chunk, new Random(seed)).Through(arrivals), iter: 300);

    /// <summary>Follows a scheduler through its steps with a shadow of the cache: what each slot holds.</summary>
    private sealed class Run
    {
        private readonly SlotPool slots;
        private readonly BatchScheduler scheduler;
        private readonly int chunk;
        private readonly Random random;
        private readonly Dictionary<int, List<int>> cache = [];
        private readonly List<Sequence> order = [];
        private readonly Dictionary<Sequence, int> stepsLeft = [];
        private int admitted;

        public Run(int slotCount, int chunk, Random random)
        {
            slots = new SlotPool(slotCount);
            scheduler = new BatchScheduler(slots, chunk, new SingleDraws());
            (this.chunk, this.random) = (chunk, random);
        }

        public void Through(Arrival[] arrivals)
        {
            for (var step = 0; step <= arrivals.Max(arrival => arrival.AtStep) || scheduler.RunningCount + scheduler.WaitingCount > 0; step++)
            {
                Assert.True(step < 5000, "The run does not come to its end.");
                foreach (var arrival in arrivals.Where(arrival => arrival.AtStep == step))
                    Arrive(arrival);
                Cancel();
                Admit();
                if (scheduler.Plan() is { } plan)
                    Step(plan);
            }
            Assert.Equal(slots.Count, slots.FreeCount);
        }

        private void Arrive(Arrival arrival)
        {
            var prompts = arrival.PromptLengths.Select(length => Enumerable.Range(0, length).Select(_ => random.Next(10, 90)).ToArray()).ToArray();
            ISequenceRules rules = arrival.IsPicture ? new ImageGrammar(arrival.Height, arrival.Width, Tokens) : new TextRules(2, 10);
            List<int> brought = [];
            while (brought.Count < Math.Min(arrival.Brought, rules.MaxLength))
                brought.Add(rules.ForcedAt(brought.Count) ?? random.Next(100, 150));
            var sequence = new Sequence(rules, arrival.IsPicture ? prompts : prompts[..1], brought, Settings);
            if (sequence.IsFinished)
                return;
            scheduler.Add(sequence);
            order.Add(sequence);
            stepsLeft[sequence] = arrival.CancelAfter;
        }

        private void Cancel()
        {
            foreach (var sequence in stepsLeft.Keys.Where(sequence => stepsLeft[sequence]-- == 0).ToList())
            {
                var (held, free) = (sequence.Branches.Count(branch => branch.Slot >= 0), slots.FreeCount);
                scheduler.Remove(sequence);
                Assert.Equal(free + held, slots.FreeCount);
                order.Remove(sequence);
                stepsLeft.Remove(sequence);
                admitted -= held > 0 ? 1 : 0;
            }
        }

        private void Admit()
        {
            foreach (var sequence in scheduler.Admit())
            {
                Assert.Same(order[admitted++], sequence); // in the order they came
                foreach (var branch in sequence.Branches)
                    cache[branch.Slot] = [];
            }
            var held = order[..admitted].SelectMany(sequence => sequence.Branches).Select(branch => branch.Slot).ToList();
            Assert.Equal(held.Count, held.Distinct().Count());
            Assert.Equal(slots.Count, held.Count + slots.FreeCount);
            Assert.True(admitted == order.Count || order[admitted].Branches.Count > slots.FreeCount);
        }

        private void Step(BatchPlan plan)
        {
            Assert.NotEmpty(plan.Rows);
            foreach (var row in plan.Rows)
            {
                Assert.Equal(cache[row.Slot].Count, row.Position); // its prefix is complete
                cache[row.Slot].Add(row.Token);
            }
            var drawing = plan.Draws.Where(draw => !draw.Sequence.HasDrawn).Sum(draw => draw.Sequence.Branches.Count);
            Assert.InRange(plan.PrefillCount - drawing, 0, chunk);
            foreach (var (sequence, index, conditional, unconditional) in plan.Draws)
            {
                Assert.Equal(sequence.Generated.Count, index);
                Assert.Null(sequence.Rules.ForcedAt(index));
                Assert.Equal(sequence.Branches[0].Slot, plan.Rows[conditional].Slot);
                Assert.Equal(sequence.Branches.Count == 2 ? sequence.Branches[1].Slot : -1, unconditional < 0 ? -1 : plan.Rows[unconditional].Slot);
                foreach (var branch in sequence.Branches)
                    Assert.Equal([.. branch.Prompt, .. sequence.Generated], cache[branch.Slot]);
            }
            foreach (var sequence in scheduler.Commit(plan, [.. plan.Draws.Select(draw => (int?)(draw.Sequence.Rules.IsVisual ? random.Next(100, 150) : random.Next(2, 20)))]).Finished)
            {
                Assert.True(sequence.IsFinished);
                if (sequence.Rules is ImageGrammar grammar)
                    Assert.Null(grammar.Check(sequence.Generated));
                order.Remove(sequence);
                stepsLeft.Remove(sequence);
                admitted--;
            }
        }
    }
}
