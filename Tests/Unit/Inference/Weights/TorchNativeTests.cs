using Emu3.Inference.Weights;
using TorchSharp;

namespace Emu3.Tests.Unit.Inference.Weights;

[Trait("Suite", "Fast")]
public sealed class TorchNativeTests
{
    [Fact]
    public void EnsureLoaded_FromManyThreads_TorchComputes()
    {
        Parallel.For(0, 8, _ => TorchNative.EnsureLoaded());
        using var numbers = torch.tensor(new[] { 1L, 2L, 3L });
        using var sum = numbers.sum();
        Assert.Equal(6, sum.item<long>());
    }

    [Fact]
    public void Describe_NamesVersionAndFolder()
    {
        Assert.Matches(@"^libtorch \d+\.\d+\.\d+ in .+; TorchSharp \d+\.\d+\.\d+ with .+LibTorchSharp", TorchNative.Describe());
        TestContext.Current.TestOutputHelper!.WriteLine(TorchNative.Describe());
    }

    [Fact]
    public void Weaken_NotAnElfFile_IsLeftAlone()
    {
        var bytes = new byte[100];
        Assert.False(WeakenedLibrary.Weaken(bytes));
        Assert.All(bytes, b => Assert.Equal(0, b));
    }

    [Fact]
    public void Weaken_TheBinding_ChangesOneByte()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "An ELF file is needed.");
        var path = Path.Combine(AppContext.BaseDirectory, "libLibTorchSharp.so");
        var before = File.ReadAllBytes(path);
        var after = (byte[])before.Clone();
        Assert.True(WeakenedLibrary.Weaken(after));
        Assert.Single(before.Index(), b => after[b.Index] != b.Item);
    }
}
