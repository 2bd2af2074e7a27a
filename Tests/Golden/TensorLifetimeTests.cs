using Emu3.Inference;
using Emu3.Inference.Engine;
using Emu3.Inference.Model;
using Emu3.Inference.Weights;
using Emu3.Tests.Unit.Inference.Engine;

namespace Emu3.Tests.Golden;

/// <summary>
/// TorchSharp does not keep a tensor alive either while native code reads it (ScalarTests are about numbers). So each one is in a dispose scope, has a <c>using</c> or
/// belongs to something that is disposed of: none is left to the garbage collector, whose finalizer frees it at any time.
/// </summary>
[Trait("Suite", "Golden")]
public sealed class TensorLifetimeTests
{
    [Fact]
    public void Backend_LoadedUsedAndDisposedOf_LeavesNoTensorToTheCollector()
    {
        TorchNative.EnsureLoaded();
        var before = TorchThread.LiveTensorCount;
        using (var files = CheckpointFiles.Open(ModelFolder.Open(TestEngines.TinyA)))
        {
            var options = new EngineOptions { TorchOnCpu = true, RowInvariance = false, Threads = 1 };
            using var backend = TorchBackend.Load(files, ConfigReader.Read(ModelFolder.Open(TestEngines.TinyA)), options, _ => { });
            using var picture = backend.Vision.BeginStill(new int[4], 2, 2);
            while (!picture.Advance()) { }
            Assert.True(TorchThread.LiveTensorCount > before);
        }
        Assert.Equal(before, TorchThread.LiveTensorCount);
    }
}
