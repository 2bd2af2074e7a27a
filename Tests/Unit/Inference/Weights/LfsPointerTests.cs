using Emu3.Inference.Engine;
using Emu3.Inference.Weights;

namespace Emu3.Tests.Unit.Inference.Weights;

/// <summary>A repository that was cloned without its large files.</summary>
[Trait("Suite", "Fast")]
public sealed class LfsPointerTests : IDisposable
{
    private const string Pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nsize 19000000\n";

    private readonly SmallCheckpoint checkpoint = new();

    public void Dispose() => checkpoint.Dispose();

    [Theory]
    [InlineData("config.json")]
    [InlineData("generation_config.json")]
    [InlineData("preprocessor_config.json")]
    [InlineData("processor_config.json")]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    [InlineData("chat_template.jinja")]
    [InlineData("chat_template.json")]
    [InlineData("model.safetensors")]
    public void Pointer_InThePlaceOfAnyFile_IsNamed_AndHowToGetIt(string name)
    {
        checkpoint.Write(name, Pointer);
        RequireRefusal(checkpoint.Path, null, name);
    }

    [Fact]
    public void Pointer_InThePlaceOfAnIndex_IsNamed()
    {
        checkpoint.Delete("model.safetensors");
        checkpoint.Write("model.safetensors.index.json", Pointer);
        RequireRefusal(checkpoint.Path, null, "model.safetensors.index.json");
    }

    [Theory]
    [InlineData("emu3.tiktoken")]
    [InlineData("emu3_vision_tokens.txt")]
    public void Pointer_InTheOriginalLayout_IsNamed(string name)
    {
        using var language = new TemporaryFolder();
        var golden = Repository.PathTo("Tests", "Golden", "fixtures", "tiny-a", "checkpoint-original");
        foreach (var file in Directory.EnumerateFiles(Path.Combine(golden, "language"))) File.Copy(file, Path.Combine(language.Path, Path.GetFileName(file)));
        File.WriteAllText(Path.Combine(language.Path, name), Pointer);
        RequireRefusal(language.Path, Path.Combine(golden, "vision"), name);
    }

    [Fact]
    public void Weights_ThatArePointers_AreNamedWhereTheyAreLoaded()
    {
        checkpoint.Write("model.safetensors", Pointer);
        Assert.Contains("git lfs pull", Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(Path.Combine(checkpoint.Path, "model.safetensors"))).Message, StringComparison.Ordinal);
    }

    private static void RequireRefusal(string model, string? vision, string name)
    {
        var message = Assert.Throws<CheckpointException>(() => CheckpointFacts.Inspect(ModelFolder.Open(model, vision))).Message;
        foreach (var part in (string[])[Path.Combine(model, name), "Git LFS pointer", "19000000 bytes", $"`git lfs pull` in {model}"]) Assert.Contains(part, message, StringComparison.Ordinal);
    }
}
