using Emu3.Inference.Engine;
using Emu3.Inference.Model;
using Emu3.Inference.Tokens;
using Emu3.Inference.Weights;
using static TorchSharp.torch;

namespace Emu3.Tests.Golden;

[Trait("Suite", "Golden")]
public sealed class CheckpointTests
{
    public CheckpointTests() => TorchNative.EnsureLoaded();

    [Theory]
    [MemberData(nameof(GoldenFolder.Paths), MemberType = typeof(GoldenFolder))]
    public void Config_OfTheHubLayout_IsTheVariants(string path)
    {
        var golden = GoldenFolder.Open(path);
        var variant = golden.Cases.GetProperty("variant");
        var config = ConfigReader.Read(golden.Checkpoint);
        Assert.Equal(variant.GetProperty("hidden").GetInt32(), config.Transformer.HiddenSize);
        Assert.Equal(variant.GetProperty("inter").GetInt32(), config.Transformer.IntermediateSize);
        Assert.Equal(variant.GetProperty("layers").GetInt32(), config.Transformer.LayerCount);
        Assert.Equal(variant.GetProperty("heads").GetInt32(), config.Transformer.HeadCount);
        Assert.Equal(variant.GetProperty("kv").GetInt32(), config.Transformer.KeyValueHeadCount);
        Assert.Equal(variant.GetProperty("theta").GetDouble(), config.Transformer.RopeTheta);
        Assert.Equal(variant.GetProperty("eps").GetDouble(), config.Transformer.RmsNormEpsilon);
        Assert.Equal(variant.GetProperty("tie").GetBoolean(), config.Transformer.TieWordEmbeddings);
        Assert.Equal(variant.GetProperty("bias").GetBoolean(), config.Transformer.AttentionBias);
        Assert.Equal(variant.GetProperty("codes").GetInt32(), config.Tokens.VisualCount);
        Assert.Equal(variant.GetProperty("mean").EnumerateArray().Select(m => m.GetSingle()), config.Pixels.Mean);
        Assert.Equal(variant.GetProperty("std").EnumerateArray().Select(m => m.GetSingle()), config.Pixels.Deviation);
        Assert.Equal(variant.Integers("mult"), config.Vision.ChannelMultiplier);
        Assert.Equal(variant.GetProperty("blocks").GetInt32(), config.Vision.ResBlockCount);
        Assert.Equal(golden.Cases.GetProperty("factor").GetInt32(), config.Vision.SpatialFactor);
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(GoldenFolder.OriginalPaths), MemberType = typeof(GoldenFolder))]
    public void Config_OfTheOriginalLayout_EqualsTheHubs(string path)
    {
        var golden = GoldenFolder.Open(path);
        var (hub, original) = (ConfigReader.Read(golden.Checkpoint), ConfigReader.Read(golden.CheckpointOriginal));
        Assert.Equal(hub.Transformer, original.Transformer);
        Assert.Equivalent(hub.Vision, original.Vision, strict: true);
        Assert.Equal(hub.Tokens, original.Tokens);
        Assert.Equivalent(hub.Pixels with { OriginalLayout = true }, original.Pixels, strict: true);

        var special = golden.Original!.Value.GetProperty("special");
        Assert.Equal(special.GetProperty("<|extra_203|>").GetInt32(), original.Tokens.BeginOfSequence);
        Assert.Equal(special.GetProperty("<|extra_204|>").GetInt32(), original.Tokens.EndOfSequence);
        Assert.Equal(special.GetProperty("<|endoftext|>").GetInt32(), original.Tokens.Padding);
        Assert.Equal(special.GetProperty("<|image token|>").GetInt32(), original.Tokens.Image);
        Assert.Equal(special.GetProperty("<|image start|>").GetInt32(), original.Tokens.BeginOfImage);
        Assert.Equal(special.GetProperty("<|image end|>").GetInt32(), original.Tokens.EndOfImage);
        Assert.Equal(special.GetProperty("<|extra_200|>").GetInt32(), original.Tokens.EndOfLine);
        Assert.Equal(special.GetProperty("<|extra_201|>").GetInt32(), original.Tokens.EndOfFrame);
        Assert.Equal(special.GetProperty("<|visual token 000000|>").GetInt32(), original.Tokens.FirstVisual);
    }

    [Theory]
    [MemberData(nameof(GoldenFolder.Paths), MemberType = typeof(GoldenFolder))]
    public void Weights_InEachLayout_AreTheSameTensors(string path)
    {
        var golden = GoldenFolder.Open(path);
        var hub = Load(golden.Checkpoint);
        Assert.NotEmpty(hub);

        using var renamed = new RenamedCheckpoint(golden.File("checkpoint"));
        RequireEqual(hub, Load(ModelFolder.Open(renamed.Path)));
        if (Directory.Exists(golden.File("checkpoint-original")))
        {
            RequireEqual(hub, Load(golden.CheckpointOriginal));
        }
    }

    /// <summary>Whoever loads a released checkpoint with transformers 5 and saves it has the same model, in other files.</summary>
    [Theory]
    [MemberData(nameof(GoldenFolder.Paths), MemberType = typeof(GoldenFolder))]
    public void Checkpoint_SavedByTransformers5_IsTheSameModel(string path)
    {
        var golden = GoldenFolder.Open(path);
        using var saved = new RenamedCheckpoint(golden.File("checkpoint"));
        Transformers5Files.Rewrite(saved.Path);
        var (before, after) = (golden.Checkpoint, ModelFolder.Open(saved.Path));
        Assert.Equivalent(ConfigReader.Read(before), ConfigReader.Read(after), strict: true);
        Assert.NotEqual(CheckpointHash.Compute(before), CheckpointHash.Compute(after));
        CheckpointFacts.Inspect(after);

        var (tokenizer, prompts) = (TextTokenizer.Load(after), new PromptTemplate(TextTokenizer.Load(after), ConfigReader.Read(after).Tokens, ChatTemplate.Read(after)));
        Assert.True(prompts.CanChat);
        Assert.All(golden.Cases.Each("tokenizer"), @case => Assert.Equal(@case.Integers("ids"), tokenizer.Encode(@case.Text("text"))));

        using var loader = WeightLoader.Open(after, CPU);
        var weights = TransformerWeights.Load(loader, ConfigReader.Read(after).Transformer, ScalarType.Float32);
        Assert.Equal(ConfigReader.Read(before).Transformer.TieWordEmbeddings, ReferenceEquals(weights.Head, weights.Embedding));
        foreach (var tensor in weights.All()) tensor.Dispose();
    }

    private static void RequireEqual(Dictionary<string, (long[] Shape, float[] Values)> expected, Dictionary<string, (long[] Shape, float[] Values)> found)
    {
        Assert.Equal(expected.Keys.Order(), found.Keys.Order());
        Assert.All(expected, tensor =>
        {
            Assert.Equal(tensor.Value.Shape, found[tensor.Key].Shape);
            Assert.Equal(tensor.Value.Values, found[tensor.Key].Values);
        });
    }

    /// <summary>Every tensor by its canonical name, projections of the vision attention without their kernel dimensions.</summary>
    private static Dictionary<string, (long[] Shape, float[] Values)> Load(ModelFolder folder)
    {
        using var loader = WeightLoader.Open(folder, CPU);
        var tensors = new Dictionary<string, (long[], float[])>();
        foreach (var name in loader.Names)
        {
            var shape = loader.ShapeOf(name).ToArray();
            shape = CheckpointLayout.IsVisionProjection(name) ? shape[..2] : shape;
            using var tensor = loader.Load(name, shape, ScalarType.Float32);
            tensors[name] = (shape, tensor.data<float>().ToArray());
        }

        loader.EnsureAllTaken();
        return tensors;
    }
}
