using Emu3.Inference;
using Emu3.Inference.Engine;
using Emu3.Inference.Weights;
using TorchSharp;

namespace Emu3.Tests.Unit.Inference.Engine;

[Trait("Suite", "Fast")]
public sealed class LoadedModelTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("emu3-no-codebook-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Load_WithoutTheVisionTokenizersCodebook_LeavesNoTensor()
    {
        TorchNative.EnsureLoaded();
        // The codebook goes under another name of the same length: the decoder is there when it is missed.
        foreach (var path in Directory.EnumerateFiles(TestEngines.TinyA))
        {
            var bytes = File.ReadAllBytes(path);
            for (int at; (at = bytes.AsSpan().IndexOf("vqmodel.quantize.embedding"u8)) >= 0;) "vqmodel.quantize.embeddinX"u8.CopyTo(bytes.AsSpan(at));
            File.WriteAllBytes(Path.Combine(_folder.FullName, Path.GetFileName(path)), bytes);
        }

        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        var broken = Assert.Throws<CheckpointException>(() => LoadedModel.Load(Options(_folder.FullName), null, TestContext.Current.CancellationToken));
        Assert.Contains("embedding", broken.Message, StringComparison.Ordinal);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Load_ForPicturesOnly_RefusesChat()
    {
        TorchNative.EnsureLoaded();
        var options = Options(TestEngines.TinyA);
        options.Capabilities = [EngineOptions.Images];
        using var loaded = LoadedModel.Load(options, null, TestContext.Current.CancellationToken);
        Assert.True(loaded.Facts.CanDraw);
        Assert.False(loaded.Facts.CanChat);
        var checks = new RequestChecks(loaded.Facts, loaded.Config, loaded.Prompts, 2, 1 << 20);
        Assert.Null(checks.Measure(TestEngines.Image()).Failure);
        Assert.Equal(EngineFailureCode.NotSupported, checks.Measure(TestEngines.Chat("What is it?")).Failure!.Code);
    }

    private static EngineOptions Options(string model) => new() { Model = model, Threads = TestEngines.Threads, SlotCount = 2 };
}
