using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>On the processor the program computes with its own kernels alone: no file of libtorch is ever in its memory.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class NoLibTorchTests : IDisposable
{
    private static readonly string[] s_native = ["libtorch", "LibTorchSharp", "libc10"];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("batch")]
    [InlineData("chat")]
    public async Task Run_OnTheProcessor_MapsNoFileOfLibTorch(string command)
    {
        File.WriteAllText(_folder.PathTo("prompts.txt"), "a big red star on a blue background\n");
        var picture = Directory.EnumerateFiles(Repository.PathTo("models", "emu3-tiny", "golden"), "*.png").Order(StringComparer.Ordinal).First();
        string[] arguments = command == "batch"
            ? ["batch", _folder.PathTo("prompts.txt"), "--out", _folder.PathTo("out"), "--data", _folder.PathTo("data")]
            : ["chat", picture, "What shape is it?", "--data", _folder.PathTo("data")];
        await using var emu = EmuProcess.Start(arguments);
        var ending = emu.EndAsync(TestContext.Current.CancellationToken);
        var hasMappedWeights = false;
        while (!ending.IsCompleted)
        {
            var maps = MapsOf(emu.ProcessId);
            hasMappedWeights |= maps.Contains("model.safetensors", StringComparison.Ordinal);
            Assert.All(s_native, name => Assert.DoesNotContain(name, maps, StringComparison.Ordinal));
            await Task.WhenAny(ending, Task.Delay(20, TestContext.Current.CancellationToken));
        }
        Assert.True(await ending == 0, emu.Text);
        Assert.True(hasMappedWeights, "The engine was never seen: its weights were mapped in none of the looks.");
    }

    /// <summary>Empty when it has ended.</summary>
    private static string MapsOf(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/maps");
        }
        catch (IOException)
        {
            return "";
        }
    }
}
