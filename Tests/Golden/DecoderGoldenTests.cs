using System.Runtime.InteropServices;
using Emu3.Inference.Batching;
using Emu3.Inference.Model;
using Emu3.Inference.Weights;
using static TorchSharp.torch;

namespace Emu3.Tests.Golden;

/// <summary>The decoder against the reference's hidden states and logits, and against itself without cache and batch.</summary>
[Trait("Suite", "Golden")]
public sealed class DecoderGoldenTests
{
    private const double Tolerance = 1e-4; // of the largest value

    public static TheoryData<string, string> Layouts
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var path in GoldenFolder.Paths)
            {
                data.Add(path, "hub");
                data.Add(path, "since 4.52");
            }
            foreach (var path in GoldenFolder.OriginalPaths)
                data.Add(path, "original");
            return data;
        }
    }

    [Theory, MemberData(nameof(Layouts))]
    public void Forward_OfTheCase_GivesTheReferencesHiddenStatesAndLogits(string path, string layout)
    {
        var golden = GoldenFolder.Open(path);
        using var renamed = layout == "since 4.52" ? new RenamedCheckpoint(golden.File("checkpoint")) : null;
        using var decoder = DecoderUnderTest.Open(
            layout == "original" ? golden.CheckpointOriginal : renamed is not null ? ModelFolder.Open(renamed.Path) : golden.Checkpoint);
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

/// <summary>A checkpoint's decoder alone, and one sequence through it.</summary>
internal sealed class DecoderUnderTest : IDisposable
{
    private readonly IDisposable inference;
    private int? rowFloor;

    private DecoderUnderTest(ModelFolder folder, LinearKernel linear)
    {
        TorchNative.EnsureLoaded();
        set_num_threads(1);
        inference = inference_mode();
        Config = ConfigReader.Read(folder);
        using var loader = WeightLoader.Open(folder, CPU);
        Model = new Emu3Model(Config.Transformer, Config.Tokens, TransformerWeights.Load(loader, Config.Transformer, ScalarType.Float32), linear);
    }

    public static DecoderUnderTest Open(ModelFolder folder, LinearKernel? linear = null) => new(folder, linear ?? Emu3Model.Linear);

    public Emu3Config Config { get; }
    public Emu3Model Model { get; }

    /// <summary>The floor that the self-test finds here: kernels differ between processors.</summary>
    public int RowFloor => rowFloor ??= RowInvariance.FindFloor(Model) ?? throw new InvalidOperationException("There is no floor at which the kernels of this machine are row-invariant.");

    public KvCache Cache(int slotCount) => new(Config.Transformer, Config.Transformer.LayerCount, slotCount, Config.Transformer.MaxPositions, ScalarType.Float32, CPU);

    /// <summary>One sequence from its first token, in chunks; all numbers [rows, …].</summary>
    public (float[][] Hidden, float[] Logits, float[] VisualLogits) Forward(int[] ids, int chunk)
    {
        using var scope = NewDisposeScope();
        using var cache = Cache(1);
        List<float>[] hidden = [.. Enumerable.Range(0, Config.Transformer.LayerCount + 1).Select(_ => new List<float>())];
        List<float> logits = [], visual = [];
        for (var start = 0; start < ids.Length; start += chunk)
        {
            PlannedRow[] rows = [.. ids.Skip(start).Take(chunk).Select((token, i) => new PlannedRow(token, start + i, 0))];
            var layout = RowLayout.Of(rows);
            var layer = 0;
            var last = Model.Forward(layout, cache, 4, x => hidden[layer++].AddRange(Floats(x.narrow(0, 0, rows.Length))));
            hidden[^1].RemoveRange(hidden[^1].Count - rows.Length * Config.Transformer.HiddenSize, rows.Length * Config.Transformer.HiddenSize);
            hidden[^1].AddRange(Floats(last.narrow(0, 0, rows.Length))); // the reference's last one is behind the final norm
            int[] all = [.. Enumerable.Range(0, rows.Length)];
            logits.AddRange(Floats(Model.Logits(last, all, visualOnly: false, 4)));
            visual.AddRange(Floats(Model.Logits(last, all, visualOnly: true, 4)));
        }
        return ([.. hidden.Select(values => values.ToArray())], [.. logits], [.. visual]);
    }

    public void Dispose()
    {
        Model.Dispose();
        inference.Dispose();
    }

    private static float[] Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.contiguous().bytes).ToArray();
}
