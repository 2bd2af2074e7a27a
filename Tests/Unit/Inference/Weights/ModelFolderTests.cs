using Emu3.Inference.Weights;

namespace Emu3.Tests.Unit.Inference.Weights;

[Trait("Suite", "Fast")]
public sealed class ModelFolderTests : IDisposable
{
    private readonly SmallCheckpoint checkpoint = new();

    public void Dispose() => checkpoint.Dispose();

    [Fact]
    public void Open_TransformersLayout_IsOneFolder()
    {
        var folder = ModelFolder.Open(checkpoint.Path + Path.DirectorySeparatorChar);
        Assert.False(folder.IsOriginal);
        Assert.Equal(Path.GetFileName(checkpoint.Path), folder.Name);
        Assert.Equal(Path.Combine(checkpoint.Path, "model.safetensors"), Assert.Single(folder.Shards).Path);
    }

    [Fact]
    public void Open_OriginalLayout_IsTwoFolders()
    {
        var golden = Repository.PathTo("Tests", "Golden", "fixtures", "tiny-a", "checkpoint-original");
        var folder = ModelFolder.Open(Path.Combine(golden, "language"), Path.Combine(golden, "vision"));
        Assert.True(folder.IsOriginal);
        Assert.Equal([false, true], folder.Shards.Select(shard => shard.IsVision));
    }

    [Fact]
    public void Open_OriginalLayoutWithoutVision_AsksForIt()
    {
        var language = Repository.PathTo("Tests", "Golden", "fixtures", "tiny-a", "checkpoint-original", "language");
        Assert.Contains("--vision", Refusal(language), StringComparison.Ordinal);
        Assert.Contains("two checkpoints", Assert.Throws<CheckpointException>(() => ModelFolder.Open(language, language)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_VisionBesideTheTransformersLayout_IsRefused()
    {
        var error = Assert.Throws<CheckpointException>(() => ModelFolder.Open(checkpoint.Path, checkpoint.Path));
        Assert.Contains("leave the vision folder", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("no-such-folder")]
    [InlineData("../no/such")]
    [InlineData("org/na..me")]
    public void Open_NeitherFolderNorRepository_IsRefused(string model) =>
        Assert.Contains($"no folder '{model}'", Refusal(model), StringComparison.Ordinal);

    [Fact]
    public void Open_NoConfig_IsRefusedByName()
    {
        checkpoint.Delete("config.json");
        Assert.Contains(Path.Combine(checkpoint.Path, "config.json"), Refusal(checkpoint.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_NoWeights_SaysWhatIsWanted()
    {
        checkpoint.Delete("model.safetensors");
        Assert.Contains("model.safetensors.index.json", Refusal(checkpoint.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_MissingShard_IsNamed()
    {
        checkpoint.Delete("model.safetensors");
        checkpoint.Write("model-00001-of-00002.safetensors", SafetensorsBytes.Of(("a", [1], [1])));
        checkpoint.Write("model.safetensors.index.json", """{"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}""");
        Assert.Contains(Path.Combine(checkpoint.Path, "model-00002-of-00002.safetensors") + " is missing", Refusal(checkpoint.Path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../outside.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("inside/model.safetensors")]
    [InlineData("..")]
    [InlineData("a\\\\b.safetensors")]
    [InlineData("c:model.safetensors")]
    [InlineData("")]
    public void Open_IndexPointingOutside_IsRefused(string file)
    {
        checkpoint.Delete("model.safetensors");
        checkpoint.Write("model.safetensors.index.json", $$$"""{"weight_map":{"a":"{{{file}}}"}}""");
        Assert.Contains("plain names", Refusal(checkpoint.Path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""{"weight_map":[]}""")]
    [InlineData("""{"weight_map":{"a":1}}""")]
    public void Open_BrokenIndex_IsRefusedByName(string index)
    {
        checkpoint.Delete("model.safetensors");
        checkpoint.Write("model.safetensors.index.json", index);
        Assert.Contains("model.safetensors.index.json", Refusal(checkpoint.Path), StringComparison.Ordinal);
    }

    private static string Refusal(string model) => Assert.Throws<CheckpointException>(() => ModelFolder.Open(model)).Message;
}
