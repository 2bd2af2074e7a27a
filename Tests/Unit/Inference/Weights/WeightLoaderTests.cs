using Emu3.Inference.Weights;
using static TorchSharp.torch;

namespace Emu3.Tests.Unit.Inference.Weights;

[Trait("Suite", "Fast")]
public sealed class WeightLoaderTests : IDisposable
{
    private const string Norm = "model.norm.weight";
    private readonly SmallCheckpoint checkpoint = new();

    public WeightLoaderTests() => TorchNative.EnsureLoaded();

    public void Dispose() => checkpoint.Dispose();

    [Fact]
    public void Load_InAnotherType_IsConverted()
    {
        using var loader = Open();
        using var tensor = loader.Load(Norm, [4], ScalarType.BFloat16);
        using var back = tensor.to(ScalarType.Float32);
        Assert.Equal(ScalarType.BFloat16, tensor.dtype);
        Assert.Equal([1, 2, 3, 4], back.data<float>().ToArray());
    }

    [Fact]
    public void Load_OutlivesTheLoader()
    {
        Tensor tensor;
        using (var loader = Open())
        {
            tensor = loader.Load(Norm, [4], ScalarType.Float32);
        }

        using (tensor)
        {
            Assert.Equal([1, 2, 3, 4], tensor.data<float>().ToArray());
        }
    }

    [Fact]
    public void LoadStacked_PutsRowsBelowRows()
    {
        Weights(
            ("model.text_model.q", [2, 2], [1, 2, 3, 4]), ("model.text_model.k", [1, 2], [5, 6]), ("model.text_model.b", [2], [7, 8]), ("model.text_model.c", [1], [9]));
        using var loader = Open();
        using var rows = loader.LoadStacked(["model.q", "model.k"], [[2, 2], [1, 2]], ScalarType.Float32);
        Assert.Equal([3, 2], rows.shape);
        Assert.Equal([1, 2, 3, 4, 5, 6], rows.data<float>().ToArray());
        using var biases = loader.LoadStacked(["model.b", "model.c"], [[2], [1]], ScalarType.Float32);
        Assert.Equal([7, 8, 9], biases.data<float>().ToArray());
        loader.EnsureAllTaken();
    }

    [Fact]
    public void Load_MissingTensor_IsNamedWithItsShape()
    {
        using var loader = Open();
        var error = Assert.Throws<CheckpointException>(() => loader.Load("lm_head.weight", [600, 4], ScalarType.Float32));
        Assert.Contains("'lm_head.weight' of shape [600, 4]", error.Message, StringComparison.Ordinal);
        Assert.False(loader.Has("lm_head.weight"));
        Assert.True(loader.Has(Norm));
    }

    [Fact]
    public void Load_OtherShape_IsNamedWithFileAndBothShapes()
    {
        using var loader = Open();
        var error = Assert.Throws<CheckpointException>(() => loader.Load(Norm, [5], ScalarType.Float32));
        Assert.Contains("'text_model.model.norm.weight'", error.Message, StringComparison.Ordinal);
        Assert.Contains(Path.Combine(checkpoint.Path, "model.safetensors"), error.Message, StringComparison.Ordinal);
        Assert.Contains("has the shape [4]", error.Message, StringComparison.Ordinal);
        Assert.Contains("must be [5]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_Scalar_IsNoExcuseForAnyShape()
    {
        Weights(("vqmodel.scalar", [], [7]), ("vqmodel.row", [2], [1, 2]));
        using var loader = Open();
        using var scalar = loader.Load("vision.scalar", [], ScalarType.Float32);
        Assert.Equal(7, scalar.item<float>());
        Assert.Throws<CheckpointException>(() => loader.Load("vision.row", [], ScalarType.Float32));
        Assert.Contains("vqmodel.row", Assert.Throws<CheckpointException>(loader.EnsureAllTaken).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_VisionProjection_MayHaveKernelDimensionsOrNot()
    {
        Weights(("vqmodel.encoder.middle_block.attn_1.q_proj.weight", [2, 2], [1, 2, 3, 4]), ("vqmodel.encoder.conv_in.weight", [2, 2], [1, 2, 3, 4]));
        using var loader = Open();
        using var flat = loader.Load("vision.encoder.mid.attn_1.q.weight", [2, 2], ScalarType.Float32);
        using var kernel = loader.Load("vision.encoder.mid.attn_1.q.weight", [2, 2, 1, 1], ScalarType.Float32);
        Assert.Equal(flat.data<float>().ToArray(), kernel.data<float>().ToArray());
        Assert.Throws<CheckpointException>(() => loader.Load("vision.encoder.conv_in.weight", [2, 2, 1, 1], ScalarType.Float32));
    }

    [Fact]
    public void EnsureAllTaken_TensorLeft_IsNamed()
    {
        using var loader = Open();
        loader.Load(Norm, [4], ScalarType.Float32).Dispose();
        var error = Assert.Throws<CheckpointException>(loader.EnsureAllTaken);
        Assert.Contains("vqmodel.encoder.conv_in.bias [2]", error.Message, StringComparison.Ordinal);
        loader.Load("vision.encoder.conv_in.bias", [2], ScalarType.Float32).Dispose();
        loader.EnsureAllTaken();
    }

    [Fact]
    public void EnsureAllTaken_NameOfNoLayout_IsNamed()
    {
        Weights(("text_model.model.norm.weight", [1], [1]), ("something.else", [1], [1]), ("text_model.model.x.rotary_emb.inv_freq", [1], [1]), ("vqmodel.n.num_batches_tracked", [], [1]));
        using var loader = Open();
        loader.Load(Norm, [1], ScalarType.Float32).Dispose();
        var error = Assert.Throws<CheckpointException>(loader.EnsureAllTaken);
        Assert.Contains("has 1 tensors", error.Message, StringComparison.Ordinal);
        Assert.Contains("something.else", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_NamesOfNoLayout_AreRefused()
    {
        Weights(("transformer.h.0.weight", [1], [1]));
        Assert.Contains("text_model", Assert.Throws<CheckpointException>(() => Open()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_IndexPromisesMoreThanTheShardHas_IsNamed()
    {
        checkpoint.Delete("model.safetensors");
        checkpoint.Write("a.safetensors", SafetensorsBytes.Of(("vqmodel.x", [1], [1])));
        checkpoint.Write("model.safetensors.index.json", """{"weight_map":{"vqmodel.x":"a.safetensors","vqmodel.y":"a.safetensors"}}""");
        Assert.Contains("'vqmodel.y' is not in", Assert.Throws<CheckpointException>(() => Open()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_OneTensorInTwoShards_IsNamed()
    {
        checkpoint.Delete("model.safetensors");
        checkpoint.Write("a.safetensors", SafetensorsBytes.Of(("vqmodel.x", [1], [1])));
        checkpoint.Write("b.safetensors", SafetensorsBytes.Of(("vqmodel.x", [1], [1]), ("vqmodel.y", [1], [1])));
        checkpoint.Write("model.safetensors.index.json", """{"weight_map":{"vqmodel.x":"a.safetensors","vqmodel.y":"b.safetensors"}}""");
        Assert.Contains("'vqmodel.x' is in", Assert.Throws<CheckpointException>(() => Open()).Message, StringComparison.Ordinal);
    }

    private WeightLoader Open() => WeightLoader.Open(checkpoint.Folder, CPU);

    private void Weights(params ReadOnlySpan<(string, int[], float[])> tensors) => checkpoint.Write("model.safetensors", SafetensorsBytes.Of(tensors));
}
