using System.Net.Http.Json;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>On the processor the program computes with its own kernels alone: no file of libtorch is ever in its memory.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class NoLibTorchTests : IDisposable
{
    private static readonly string[] s_torch = ["libtorch", "LibTorchSharp", "libc10", "TorchSharp.dll", "Emu3.Inference.Torch.dll"];
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string Picture => Directory.EnumerateFiles(Repository.PathTo("models", "emu3-tiny", "golden"), "*.png").Order(StringComparer.Ordinal).First();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("batch")]
    [InlineData("chat")]
    public async Task Run_OnTheProcessor_MapsNoFileOfLibTorch(string command)
    {
        File.WriteAllText(_folder.PathTo("prompts.txt"), "a big red star on a blue background\n");
        string[] arguments = command == "batch"
            ? ["batch", _folder.PathTo("prompts.txt"), "--out", _folder.PathTo("out"), "--data", _folder.PathTo("data")]
            : ["chat", Picture, "What shape is it?", "--data", _folder.PathTo("data")];
        await using var emu = EmuProcess.Start(arguments);
        var ending = emu.EndAsync(Cancellation);
        await WatchAsync(emu, ending);
        Assert.True(await ending == 0, emu.Text);
    }

    [Fact]
    public async Task Serve_OnTheProcessor_AnswersWithoutAFileOfLibTorch()
    {
        await using var emu = EmuProcess.Start("serve", "--port", "0", "--data", _folder.PathTo("data"));
        using var http = new HttpClient { BaseAddress = await emu.ServedAtAsync(Cancellation) };
        await WatchAsync(emu, AskAsync(http));
        Assert.True(emu.Terminate());
        Assert.True(await emu.EndAsync(Cancellation) == 0, emu.Text);
    }

    /// <summary>A picture, and an answer about one.</summary>
    private static async Task AskAsync(HttpClient http)
    {
        using var drawn = await http.PostAsJsonAsync("/v1/images/generations", new { prompt = "a big red star on a blue background", seed = 7 }, Cancellation);
        Assert.True(drawn.IsSuccessStatusCode, await drawn.Content.ReadAsStringAsync(Cancellation));
        var url = $"data:image/png;base64,{Convert.ToBase64String(await File.ReadAllBytesAsync(Picture, Cancellation))}";
        object[] parts = [new { type = "image_url", image_url = new { url } }, new { type = "text", text = "What shape is it?" }];
        using var answered = await http.PostAsJsonAsync("/v1/chat/completions", new { model = "emu3-tiny", messages = new[] { new { role = "user", content = parts } } }, Cancellation);
        Assert.True(answered.IsSuccessStatusCode, await answered.Content.ReadAsStringAsync(Cancellation));
    }

    /// <summary>Looks at what the process has in its memory until the work is done, and once more then if it still runs.</summary>
    private static async Task WatchAsync(EmuProcess emu, Task work)
    {
        var hasMappedWeights = false;
        for (var isLast = false; !isLast;)
        {
            isLast = work.IsCompleted;
            var maps = MapsOf(emu.ProcessId);
            hasMappedWeights |= maps.Contains("model.safetensors", StringComparison.Ordinal);
            Assert.All(s_torch, name => Assert.DoesNotContain(name, maps, StringComparison.Ordinal));
            await Task.WhenAny(work, Task.Delay(20, Cancellation));
        }
        await work;
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
