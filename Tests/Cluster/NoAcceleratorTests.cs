using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>A build without GPU support that is asked for a GPU says what is missing and what to do, before it loads anything.</summary>
[Trait("Suite", "Cluster")]
public sealed class NoAcceleratorTests : IDisposable
{
    private const string Missing = "this build of the program has no GPU support. Build it with the property Accelerator=cuda";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(2, "The Device is cuda:0, but ", "generate", "a star", "--device", "cuda:0")]
    [InlineData(2, "The Device is cuda:1, but ", "serve", "--port", "0", "--devices", "cpu,cuda:1")]
    [InlineData(3, "Native library: The device is cuda:0, but ", "doctor", "--device", "cuda:0")]
    public async Task Emu3_OnADeviceThatItCannotDrive_SaysWhatIsMissing(int exitCode, string beginning, params string[] arguments)
    {
        Assert.SkipWhen(Architecture.PackageTests.IsBuiltForAccelerators, "This is a build for GPUs.");
        await using var emu = EmuProcess.Start([.. arguments, "--data", _folder.PathTo("data")]);

        Assert.True(await emu.EndAsync(TestContext.Current.CancellationToken) == exitCode, emu.Text);
        Assert.Contains(beginning + Missing, emu.Text, StringComparison.Ordinal);
    }
}
