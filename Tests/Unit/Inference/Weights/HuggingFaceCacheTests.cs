using Emu3.Inference.Weights;

namespace Emu3.Tests.Unit.Inference.Weights;

/// <summary>Changes an environment variable of the process, so its tests are one class, and no other reads it.</summary>
[Trait("Suite", "Fast")]
public sealed class HuggingFaceCacheTests : IDisposable
{
    private readonly TemporaryFolder cache = new();
    private readonly string? before = Environment.GetEnvironmentVariable("HF_HUB_CACHE");

    public HuggingFaceCacheTests() => Environment.SetEnvironmentVariable("HF_HUB_CACHE", cache.Path);

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("HF_HUB_CACHE", before);
        cache.Dispose();
    }

    [Fact]
    public void Open_RepositoryInTheCache_IsItsMainSnapshot()
    {
        cache.Write("models--BAAI--Emu3-Gen-hf/refs/main", "abc123\n");
        cache.Write("models--BAAI--Emu3-Gen-hf/snapshots/abc123/config.json", """{"text_config":{}}""");
        cache.Write("models--BAAI--Emu3-Gen-hf/snapshots/abc123/model.safetensors", SafetensorsBytes.Of());
        var folder = ModelFolder.Open("BAAI/Emu3-Gen-hf");
        Assert.Equal("Emu3-Gen-hf", folder.Name);
        Assert.Equal(Path.Combine(cache.Path, "models--BAAI--Emu3-Gen-hf", "snapshots", "abc123"), folder.Language);
    }

    [Fact]
    public void Open_RepositoryNotInTheCache_SaysHowToFetchIt()
    {
        var error = Assert.Throws<CheckpointException>(() => ModelFolder.Open("BAAI/Emu3-Gen-hf"));
        Assert.Contains("hf download BAAI/Emu3-Gen-hf", error.Message, StringComparison.Ordinal);
        Assert.Contains(cache.Path, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("abc123")]
    [InlineData("../../..")]
    [InlineData("")]
    public void Open_ReferenceToNoSnapshot_IsRefused(string commit)
    {
        cache.Write("models--BAAI--Emu3-Gen-hf/refs/main", commit);
        cache.Write("models--BAAI--Emu3-Gen-hf/snapshots/other/config.json", "{}");
        var error = Assert.Throws<CheckpointException>(() => ModelFolder.Open("BAAI/Emu3-Gen-hf"));
        Assert.Contains($"names the commit '{commit}'", error.Message, StringComparison.Ordinal);
    }
}
