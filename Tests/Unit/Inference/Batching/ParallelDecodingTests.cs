using CsCheck;
using Emu3.Inference;
using Emu3.Inference.Batching;
using Emu3.Inference.Tokens;
using Emu3.Tests.Unit.Inference.Tokens;

namespace Emu3.Tests.Unit.Inference.Batching;

/// <summary>Windows of guesses change how many steps a sequence takes, and none of its tokens.</summary>
[Trait("Suite", "Fast")]
public sealed class ParallelDecodingTests
{
    private static readonly SpecialTokens Tokens = ImageGrammarTests.Tokens;

    /// <summary>A request, and what becomes of it.</summary>
    /// <param name="JoinsAt">Step.</param>
    /// <param name="Rules">Of a picture or a text.</param>
    /// <param name="Prompts">One, or two with guidance.</param>
    /// <param name="Seed">Of its tokens.</param>
    /// <param name="CutAfter">Steps after which it is cancelled, and goes on later from the tokens that it has.</param>
    /// <param name="Brought">Tokens that it brings from an earlier run, at most.</param>
    private sealed record Item(int JoinsAt, ISequenceRules Rules, int[][] Prompts, ulong Seed, int CutAfter, int Brought);

    private static Item Random(Random random)
    {
        var isPicture = random.Next(3) > 0;
        int[] Prompt() => [.. Enumerable.Range(0, random.Next(1, 25)).Select(_ => random.Next(3, 15))];
        return new Item(
            random.Next(40), isPicture ? new ImageGrammar(random.Next(1, 9), random.Next(1, 9), Tokens) : new TextRules(HashedTokens.EndOfSequence, random.Next(1, 60)),
            isPicture && random.Next(2) == 0 ? [Prompt(), Prompt()] : [Prompt()], (ulong)random.NextInt64(), random.Next(3) == 0 ? random.Next(6) : int.MaxValue,
            random.Next(3) == 0 ? random.Next(80) : 0);
    }

    [Fact]
    public void Run_AThousandRequestsWithAnyWindows_HaveTheTokensOfEachAlone()
    {
        var count = 0;
        for (var seed = 0; count < 1000; seed++)
        {
            var random = new Random(seed);
            Item[] items = [.. Enumerable.Range(0, random.Next(1, 25)).Select(_ => Random(random))];
            RequireTokensOfEachAlone(random, items, new RandomWindows(random, random.Next(1, 65)));
            count += items.Length;
        }
    }

    [Fact]
    public void Run_WindowsByTheCostModel_HaveTheTokensOfEachAlone()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var costs = new PassCosts([(1, 1), (16, 1 + random.NextDouble()), (128, 2 + 8 * random.NextDouble())], 128);
            RequireTokensOfEachAlone(random, [.. Enumerable.Range(0, 10).Select(_ => Random(random))], new WindowPlanner(costs));
        }
    }

    /// <summary>Runs requests that join, leave, and go on where they were cut.</summary>
    private static void RequireTokensOfEachAlone(Random random, Item[] items, IWindowPolicy policy)
    {
        var decoder = new HashedTokens(random.Next(101));
        var slots = new SlotPool(random.Next(2, 12));
        var scheduler = new BatchScheduler(slots, random.Next(1, 40), policy);
        var expected = items.Select(item => decoder.Alone(item.Rules, item.Prompts, item.Seed)).ToArray();
        var running = new Dictionary<Sequence, (int Item, int CutAt)>();
        var pending = new PriorityQueue<(int Item, int Brought), int>(items.Select((item, i) => ((i, Math.Min(item.Brought, expected[i].Length - 1)), item.JoinsAt)));
        var ended = 0;
        for (var step = 0; ended < items.Length; step++)
        {
            Assert.True(step < 20_000, "The run does not come to its end.");
            while (pending.TryPeek(out var next, out var at) && at <= step)
                Join(pending.Dequeue(), step);
            foreach (var (sequence, (item, cutAt)) in running.Where(pair => pair.Value.CutAt == step).ToList())
            {
                scheduler.Remove(sequence);
                running.Remove(sequence);
                RequirePrefix(item, sequence);
                pending.Enqueue((item, random.Next(sequence.Generated.Count + 1)), step + random.Next(4)); // from any of its tokens
            }
            foreach (var sequence in scheduler.Admit())
                decoder.Clear(sequence);
            if (scheduler.Plan() is not { } plan)
                continue;
            RequireSense(plan);
            foreach (var sequence in scheduler.Commit(plan, decoder.Run(plan)).Finished)
            {
                Assert.Equal(expected[running[sequence].Item], sequence.Generated);
                running.Remove(sequence);
                ended++;
            }
            foreach (var (sequence, (item, _)) in running)
                RequirePrefix(item, sequence);
        }
        Assert.Equal(slots.Count, slots.FreeCount);

        void Join((int Item, int Brought) entry, int step)
        {
            var item = items[entry.Item];
            if (item.Prompts.Length > slots.Count)
                throw new InvalidOperationException("A request needs more slots than there are.");
            var sequence = new Sequence(item.Rules, item.Prompts, expected[entry.Item][..entry.Brought], new DrawSettings(SamplingSettings.Greedy, item.Seed));
            if (sequence.IsFinished)
            {
                ended++;
                return;
            }
            scheduler.Add(sequence);
            running.Add(sequence, (entry.Item, item.CutAfter == int.MaxValue || random.Next(3) == 0 ? -1 : step + 1 + item.CutAfter));
        }

        void RequirePrefix(int item, Sequence sequence) => Assert.Equal(expected[item][..sequence.Generated.Count], sequence.Generated);
    }

    /// <summary>Forced tokens are never drawn, nothing reaches past the end, and rows and draws are in their order.</summary>
    private static void RequireSense(BatchPlan plan)
    {
        foreach (var draws in plan.Draws.GroupBy(draw => draw.Sequence))
        {
            var (sequence, indices) = (draws.Key, draws.Select(draw => draw.Index).ToArray());
            Assert.Equal(sequence.Generated.Count, indices[0]);
            Assert.Equal(indices.Order(), indices);
            Assert.All(indices, index => Assert.Null(sequence.Rules.ForcedAt(index)));
            Assert.True(indices[^1] < sequence.Rules.MaxLength);
            Assert.Equal(draws.Select(draw => draw.Index + sequence.Branches[0].Prompt.Count - 1), draws.Select(draw => plan.Rows[draw.ConditionalRow].Position));
        }
        foreach (var rows in plan.Rows.GroupBy(row => row.Slot))
            Assert.Equal(Enumerable.Range(rows.First().Position, rows.Count()), rows.Select(row => row.Position));
    }

    [Fact]
    public void Commit_LogitsAreNoNumbers_KeepsTheTokensBeforeAndSaysSo()
    {
        var scheduler = new BatchScheduler(new SlotPool(1), 64, new LongestWindows());
        var sequence = new Sequence(new TextRules(2, 20), [[5, 6, 7, 8, 5, 6]], [], new DrawSettings(SamplingSettings.Greedy, Seed: 0));
        scheduler.Add(sequence);
        scheduler.Admit();
        var plan = scheduler.Plan()!;
        Assert.Equal([5, 6, 7, 8, 5, 6, 7, 8, 5, 6], plan.Rows.Take(10).Select(row => row.Token)); // what followed "5 6" is guessed to follow again
        var tokens = new int?[plan.Draws.Count];
        (tokens[0], tokens[1]) = (7, 8);
        var outcome = scheduler.Commit(plan, tokens);
        Assert.Equal([7, 8], sequence.Generated);
        Assert.Equal([sequence], outcome.Broken);
        // Behind a wrong guess it is nobody's token.
        plan = scheduler.Plan()!;
        tokens = new int?[plan.Draws.Count];
        tokens[0] = 11;
        Assert.Empty(scheduler.Commit(plan, tokens).Broken);
        Assert.Equal([7, 8, 11], sequence.Generated);
    }

    [Fact]
    public void Plan_Picture_GuessesTheTokenAboveAndWhatTheLastStepDrew()
    {
        var scheduler = new BatchScheduler(new SlotPool(1), 64, new LongestWindows(5));
        var sequence = new Sequence(new ImageGrammar(3, 3, Tokens), [[9]], [100, 101, 102], new DrawSettings(SamplingSettings.Greedy, Seed: 0));
        scheduler.Add(sequence);
        scheduler.Admit();
        var plan = scheduler.Plan()!;
        var line = Tokens.EndOfLine;
        Assert.Equal([9, 100, 101, 102, line, 100, 101, 102, line, 100], plan.Rows.Select(row => row.Token));
        Assert.Equal([4, 5, 6, 8, 9], plan.Draws.Select(draw => draw.Index));
        scheduler.Commit(plan, [100, 141, 142, 143, 144]);
        Assert.Equal([100, 101, 102, line, 100, 141], sequence.Generated);
        plan = scheduler.Plan()!;
        Assert.Equal([141, 142, line, 143, 144], plan.Rows.Select(row => row.Token)); // the last token of the picture needs no row
        Assert.Equal([6, 8, 9, 10], plan.Draws.Select(draw => draw.Index));
    }

    [Fact]
    public void Commit_TheEndIsGuessedRight_NothingFollowsIt() =>
        Gen.Int[0, 1000].Sample(seed =>
        {
            var scheduler = new BatchScheduler(new SlotPool(1), 64, new RandomWindows(new Random(seed)));
            var sequence = new Sequence(new TextRules(2, 50), [[7, 8, 2, 9, 7, 8]], [], new DrawSettings(SamplingSettings.Greedy, Seed: 0));
            scheduler.Add(sequence);
            scheduler.Admit();
            var plan = scheduler.Plan()!;
            Assert.Single(plan.Draws); // behind the end that is guessed nothing is drawn
            Assert.Equal([sequence], scheduler.Commit(plan, [2]).Finished);
            Assert.Equal([2], sequence.Generated);
        }, iter: 10);
}
