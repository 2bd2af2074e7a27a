using Emu3.Inference.Weights;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>What <c>emu3</c> says when a folder that it needs is not there.</summary>
[Trait("Suite", "Cluster")]
public sealed class MissingFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task TemporaryFolder_ThatIsMissing_IsNotNeededOnTheProcessor()
    {
        await using var emu = EmuProcess.Start(
            new Dictionary<string, string> { ["TMPDIR"] = _folder.PathTo("not-there") }, "generate", "a star", "--data", _folder.PathTo("data"), "-o", _folder.PathTo("star.png"));

        Assert.True(await emu.EndAsync(Cancellation) == 0, emu.Text);
    }

    /// <summary>Other devices need libtorch, of which a copy is written there.</summary>
    [Fact]
    public async Task TemporaryFolder_ThatIsMissing_IsToldWithItsVariable()
    {
        Assert.SkipUnless(TorchNative.Describe().Contains("patched", StringComparison.Ordinal), "This system's libstdc++ is recent: nothing is written to the folder for temporary files.");
        var missing = _folder.PathTo("not-there");
        await using var emu = EmuProcess.Start(
            new Dictionary<string, string> { ["TMPDIR"] = missing }, "generate", "a star", "--device", "cuda:0", "--data", _folder.PathTo("data"), "-o", _folder.PathTo("star.png"));

        Assert.NotEqual(0, await emu.EndAsync(Cancellation));
        Assert.Contains("TMPDIR", emu.Text, StringComparison.Ordinal);
        Assert.Contains(missing, emu.Text, StringComparison.Ordinal);
        Assert.Contains("Make that folder", emu.Text, StringComparison.Ordinal);
    }
}
