using Emu3.Inference.Weights;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>What <c>emu3</c> says when a folder that it needs is not there.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
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

    /// <summary>Other devices need libtorch, of which a copy is written there on older systems.</summary>
    [Fact]
    public void TemporaryFolder_ThatIsMissing_IsToldWithItsVariable()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only on Linux a copy is written.");
        const string variable = "TMPDIR";
        var (missing, before) = (_folder.PathTo("not-there"), Environment.GetEnvironmentVariable(variable));
        Environment.SetEnvironmentVariable(variable, missing);
        try
        {
            var refused = Assert.Throws<IOException>(() => WeakenedLibrary.TryWrite(Path.Combine(AppContext.BaseDirectory, "libLibTorchSharp.so")));
            Assert.Contains(variable, refused.Message, StringComparison.Ordinal);
            Assert.Contains(missing, refused.Message, StringComparison.Ordinal);
            Assert.Contains("Make that folder", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable(variable, before);
        }
    }
}
