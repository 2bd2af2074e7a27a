using Emu3.Inference.Weights;

namespace Emu3.Tests.Golden;

/// <summary>The decoder against the reference's hidden states and logits, and against itself without cache and batch.</summary>
[Trait("Suite", "Golden")]
public sealed class DecoderGoldenTests
{
    private const double Tolerance = 1e-4; // of the largest value

    public static TheoryData<string, string, Way> Layouts
    {
        get
        {
            var data = new TheoryData<string, string, Way>();
            foreach (var way in Enum.GetValues<Way>())
            {
                foreach (var path in GoldenFolder.Paths)
                {
                    data.Add(path, "hub", way);
                    data.Add(path, "since 4.52", way);
                }
                foreach (var path in GoldenFolder.OriginalPaths)
                    data.Add(path, "original", way);
            }
            return data;
        }
    }

    [Theory, MemberData(nameof(Layouts))]
    public void Forward_OfTheCase_GivesTheReferencesHiddenStatesAndLogits(string path, string layout, Way way)
    {
        var golden = GoldenFolder.Open(path);
        using var renamed = layout == "since 4.52" ? new RenamedCheckpoint(golden.File("checkpoint")) : null;
        using var decoder = DecoderUnderTest.Open(
            layout == "original" ? golden.CheckpointOriginal : renamed is not null ? ModelFolder.Open(renamed.Path) : golden.Checkpoint, way);
        var @case = golden.Cases.GetProperty("forward");
        var ids = @case.Integers("ids");
        var hidden = @case.Each("hidden").Select(name => golden.Tensor(name.GetString()!).Floats).ToArray();
        var logits = golden.Tensor(@case, "logits").Floats;

        foreach (var chunk in (int[])[ids.Length, 5, 1])
        {
            var found = decoder.Forward(ids, chunk);
            for (var layer = 0; layer < hidden.Length; layer++)
                RequireClose($"hidden {layer} in chunks of {chunk}", hidden[layer], found.Hidden[layer]);
            RequireClose($"logits in chunks of {chunk}", logits, found.Logits);
            var tokens = decoder.Config.Tokens;
            var width = decoder.Config.Transformer.VocabularySize;
            for (var row = 0; row < ids.Length; row++)
                Assert.Equal( // the same multiplication, of fewer rows of the head
                    found.Logits.AsSpan(row * width + tokens.FirstVisual, tokens.VisualCount).ToArray(),
                    found.VisualLogits.AsSpan(row * tokens.VisualCount, tokens.VisualCount).ToArray(), (a, b) => Math.Abs(a - b) < 1e-4);
        }
    }

    private static void RequireClose(string name, float[] expected, float[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        var worst = Enumerable.Range(0, found.Length).MaxBy(at => Math.Abs(found[at] - expected[at]));
        var difference = Math.Abs(found[worst] - expected[worst]) / expected.Max(Math.Abs);
        Assert.True(difference <= Tolerance, $"{name}: value {worst} is {found[worst]}, not {expected[worst]} (relative to the largest: {difference:E2})");
    }
}
