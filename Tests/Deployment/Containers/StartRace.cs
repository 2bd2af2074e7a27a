using System.Diagnostics;
using Emu3.Benchmarks.Processes;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Deployment.Containers;

/// <summary>
/// Starts a silo that holds jobs and draws, with emu3-tiny, until it says that it is ready: in a container as manifests ask for it, and as a
/// process of this machine from the files of the same image. Each start is cold for .NET, and none for the machine's file cache.
/// </summary>
internal sealed class StartRace : IAsyncDisposable
{
    private const string MetricsPort = "9464";
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);
    private readonly Podman _podman;
    private readonly PodNetwork _network;
    private readonly string _image;
    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(1) };
    private int _startCount;

    private StartRace(Podman podman, PodNetwork network, string image) => (_podman, _network, _image) = (podman, network, image);

    public static async Task<StartRace> PrepareAsync(Podman podman, CancellationToken cancellationToken)
    {
        await PodNetwork.ClearAsync();
        return new(podman, await PodNetwork.MakeAsync(), await podman.DoAsync(["image", "mount", Images.Tiny], cancellationToken));
    }

    public Task<TimeSpan> InsideAsync(CancellationToken cancellationToken) => MeasureAsync(async (place, data) =>
    {
        var name = place.Namespace;
        string[] run =
        [
            "run", "--detach", $"--name={name}", "--pull=never", $"--network=ns:{place.NamespacePath}", "--user=1654:1654", "--read-only", "--read-only-tmpfs=false", "--tmpfs=/tmp",
            "--cap-drop=all", "--security-opt=no-new-privileges", "--memory=4g", $"--volume={data}:/data", .. Settings("/data", "/models/emu3-tiny").Select(setting => $"--env={setting.Key}={setting.Value}"), Images.Tiny, "silo",
        ];
        await _podman.DoAsync(run, cancellationToken);
        return async () => await _podman.RunAsync(["rm", "--force", "--time=0", name], CancellationToken.None);
    }, cancellationToken);

    public Task<TimeSpan> OutsideAsync(CancellationToken cancellationToken) => MeasureAsync((place, data) =>
    {
        var start = new ProcessStartInfo("nsenter", [$"--net={place.NamespacePath}", "--", Path.Combine(_image, "app", "emu3"), "silo"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_EnableDiagnostics"] = "0" }, // as the image has it
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("DOTNET_T", StringComparison.Ordinal)).ToList()) start.Environment.Remove(name); // of the tests' own settings
        foreach (var (name, value) in Settings(data, Path.Combine(_image, "models", "emu3-tiny"))) start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return Task.FromResult<Func<Task>>(async () =>
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            process.Dispose();
        });
    }, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _podman.RunAsync(["image", "unmount", Images.Tiny], CancellationToken.None);
        await PodNetwork.ClearAsync();
        _http.Dispose();
        _folder.Dispose();
    }

    private static Dictionary<string, string> Settings(string data, string model) => new()
    {
        ["Cluster__DataFolder"] = data,
        ["Silo__Roles__0"] = "control",
        ["Silo__Roles__1"] = "worker",
        ["Silo__Port"] = "11111",
        ["Silo__GatewayPort"] = "30000",
        ["Metrics__Address"] = $"http://*:{MetricsPort}",
        ["Engine__Model"] = model,
    };

    private async Task<TimeSpan> MeasureAsync(Func<PodAddress, string, Task<Func<Task>>> start, CancellationToken cancellationToken)
    {
        var data = Directory.CreateDirectory(_folder.PathTo($"{Interlocked.Increment(ref _startCount)}")).FullName;
        await SystemCommand.DoAsync("chmod", "0777", data);
        var place = await _network.AddPodAsync();
        var began = Stopwatch.GetTimestamp();
        var end = await start(place, data);
        try
        {
            var ready = new Uri($"http://{place.Address}:{MetricsPort}/health/ready");
            while (!await IsReadyAsync(ready, cancellationToken))
            {
                Assert.True(Stopwatch.GetElapsedTime(began) < s_patience, $"{ready} does not answer that it is ready.");
                await Task.Delay(s_look, TimeProvider.System, cancellationToken);
            }

            return Stopwatch.GetElapsedTime(began);
        }
        finally
        {
            await end();
            await PodNetwork.RemovePodAsync(place);
        }
    }

    private async Task<bool> IsReadyAsync(Uri ready, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await _http.GetAsync(ready, cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception silence) when (silence is HttpRequestException || (silence is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}
