using Emu3.Inference;
using Emu3.Inference.Batching;
using Emu3.Inference.Sampling;
using Emu3.Inference.Tokens;

namespace Emu3.Tests.Golden;

/// <summary>Draws at one position of a guided picture against the distribution that the reference's processors leave there.</summary>
[Trait("Suite", "Golden")]
public sealed class SamplingGoldenTests
{
    private const int Count = 20_000;

    [Theory, MemberData(nameof(GoldenFolder.PathsAndWays), MemberType = typeof(GoldenFolder))]
    public void Draw_ManySamplesAtOnePosition_FollowTheReferencesDistribution(string path, Way way)
    {
        var golden = GoldenFolder.Open(path);
        using var decoder = DecoderUnderTest.Open(golden.Checkpoint, way);
        using var slots = decoder.Slots(2);
        var (tokens, prompts) = (decoder.Config.Tokens, new PromptTemplate(TextTokenizer.Load(golden.Checkpoint), decoder.Config.Tokens, null));
        var images = golden.Cases.Each("image_generation").ToArray();
        foreach (var @case in golden.Cases.Each("sampling"))
        {
            var image = images[@case.GetProperty("case").GetInt32()];
            var (size, position) = (image.Integers("size"), @case.GetProperty("position").GetInt32());
            var sequence = new Sequence(
                new ImageGrammar(size[0], size[1], tokens),
                [prompts.Image(image.Text("text"), size[0], size[1]), prompts.Image(image.Text("negative"), size[0], size[1])],
                image.Integers("ids")[..position],
                new DrawSettings(SamplingSettings.Greedy, Seed: 0));
            var scheduler = new BatchScheduler(new SlotPool(2), prefillChunk: 1000, new SingleDraws());
            scheduler.Add(sequence);
            scheduler.Admit();
            var plan = scheduler.Plan()!;
            Assert.Single(plan.Draws);
            var (sampler, guided) = (new Sampler(tokens.VisualCount), Array.Empty<float>());
            slots.Runner.Run(plan, (_, conditional, unconditional) =>
                guided = sampler.Guide(conditional, unconditional, image.GetProperty("guidance").GetDouble()).ToArray());
            var settings = new SamplingSettings(
                @case.GetProperty("temperature").GetDouble(), @case.GetProperty("top_k").GetInt32(), @case.GetProperty("top_p").GetDouble());
            var hits = new Dictionary<int, int>();
            for (var sample = 0u; sample < Count; sample++)
            {
                var token = sampler.Draw(guided, tokens.FirstVisual, settings, 20, position, sample)!.Value;
                hits[token] = hits.GetValueOrDefault(token) + 1;
            }
            RequireDistribution(golden.Tensor(@case, "probabilities").Floats, hits);
        }
    }

    /// <summary>χ² over the tokens that are expected at least five times, the others together.</summary>
    private static void RequireDistribution(float[] probabilities, Dictionary<int, int> hits)
    {
        Assert.All(hits, hit => Assert.True(probabilities[hit.Key] > 0, $"token {hit.Key} was drawn and has probability 0"));
        var cells = probabilities.Select((p, token) => (Expected: p * (double)Count, Hits: hits.GetValueOrDefault(token))).Where(cell => cell.Expected > 0).ToList();
        var rare = cells.Where(cell => cell.Expected < 5).ToList();
        var tested = cells.Except(rare).Append((rare.Sum(cell => cell.Expected), rare.Sum(cell => cell.Hits))).Where(cell => cell.Item1 > 0).ToList();
        var chiSquare = tested.Sum(cell => (cell.Item2 - cell.Item1) * (cell.Item2 - cell.Item1) / cell.Item1);
        var freedom = tested.Count - 1;
        if (freedom == 0)
            return; // one token has it all, and nothing else was drawn
        // Wilson and Hilferty: the cube root of χ²/n is nearly normal; 3.3 deviations are one in 2,000.
        var limit = freedom * Math.Pow(1 - 2.0 / (9 * freedom) + 3.3 * Math.Sqrt(2.0 / (9 * freedom)), 3);
        Assert.True(chiSquare <= limit, $"χ² is {chiSquare:F1} with {freedom} degrees of freedom; at most {limit:F1}");
    }
}
