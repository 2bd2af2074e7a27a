using Emu3.Inference.Weights;

namespace Emu3.Tests.Unit.Inference.Weights;

[Trait("Suite", "Fast")]
public sealed class CheckpointHashTests : IDisposable
{
    private readonly SmallCheckpoint checkpoint = new();

    public void Dispose() => checkpoint.Dispose();

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(0)]
    public void Compute_SameFilesElsewhere_IsTheSame(long wholeLimit)
    {
        using var copy = new SmallCheckpoint();
        Assert.Equal(CheckpointHash.Compute(checkpoint.Folder, wholeLimit), CheckpointHash.Compute(copy.Folder, wholeLimit));
        Assert.Matches("^[0-9a-f]{64}$", CheckpointHash.Compute(checkpoint.Folder, wholeLimit));
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(0)]
    public void Compute_OneWeightOrFieldChanged_IsAnother(long wholeLimit)
    {
        var before = CheckpointHash.Compute(checkpoint.Folder, wholeLimit);
        checkpoint.Write("generation_config.json", "{}");
        var withField = CheckpointHash.Compute(checkpoint.Folder, wholeLimit);
        checkpoint.Write("model.safetensors", SafetensorsBytes.Of(
            ("text_model.model.norm.weight", [4], [1, 2, 3, 4]), ("vqmodel.encoder.conv_in.bias", [2], [5, 6.5f])));
        Assert.Distinct([before, withField, CheckpointHash.Compute(checkpoint.Folder, wholeLimit)]);
    }

    [Fact]
    public void Compute_ProcessorFile_CountsWhereItDecidesSomething()
    {
        var before = CheckpointHash.Compute(checkpoint.Folder);
        checkpoint.Write("processor_config.json", """{"processor_class":"Emu3Processor"}""");
        Assert.Equal(before, CheckpointHash.Compute(checkpoint.Folder));
        checkpoint.Write("processor_config.json", """{"image_processor":{"min_pixels":400}}""");
        Assert.NotEqual(before, CheckpointHash.Compute(checkpoint.Folder));
    }

    /// <summary>As in a Hugging Face cache, where every file is a link.</summary>
    [Fact]
    public void Compute_LinkedWeights_AreThoseOfTheFile()
    {
        var values = new float[1_500_000];
        checkpoint.Write("model.safetensors", SafetensorsBytes.Of(("vqmodel.x", [values.Length], values)));
        var path = checkpoint.Folder.Shards[0].Path;
        var (hash, length) = (CheckpointHash.Compute(checkpoint.Folder, wholeLimit: 1000), checkpoint.Folder.Shards[0].ReadLength());
        File.Move(path, $"{path}.blob");
        File.CreateSymbolicLink(path, $"{path}.blob");
        Assert.Equal((hash, length), (CheckpointHash.Compute(checkpoint.Folder, wholeLimit: 1000), checkpoint.Folder.Shards[0].ReadLength()));
    }

    [Fact]
    public void Compute_LargeFile_SeesBothEnds()
    {
        var values = new float[1_500_000];
        string HashOf()
        {
            checkpoint.Write("model.safetensors", SafetensorsBytes.Of(("vqmodel.x", [values.Length], values)));
            return CheckpointHash.Compute(checkpoint.Folder, wholeLimit: 0);
        }

        var zeros = HashOf();
        values[0] = 1;
        var first = HashOf();
        (values[0], values[^1]) = (0, 1);
        Assert.Distinct([zeros, first, HashOf()]);
    }
}
