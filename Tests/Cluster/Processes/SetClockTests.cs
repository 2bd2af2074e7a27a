using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Emu3.Benchmarks.Processes;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster.Processes;

/// <summary>What happens when the clock of a machine is set by an hour, while its processes run and while they do not.</summary>
public abstract class SetClockTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int ItemCount = 40;
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_start = TimeSpan.FromSeconds(30);
    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromMinutes(1) };
    private SetClocks _clocks = null!;
    private ProcessCluster? _cluster;
    private string? _refusal = SetClocks.Refusal;
    private int _jobCount;
    private TimeSpan _rightStart; // what a start takes when all clocks are right: on a busy machine more than it should

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        if (_refusal is not null) return;
        (var postgres, _refusal) = await StoreAsync();
        if (_refusal is not null) return;
        _clocks = new(_folder.PathTo("clocks"));
        var started = Stopwatch.GetTimestamp();
        _cluster = await ProcessCluster.StartAsync(new()
        {
            Folder = _folder.FullPath,
            ControlCount = 2,
            WorkerCount = 1,
            WorkerSettings = ProcessClusterPlan.Simulated(slotCount: 256, TimeSpan.FromMilliseconds(1)),
            Postgres = postgres,
            EnvironmentOf = name => _clocks.Of(name),
        }, Cancellation);
        _rightStart = Stopwatch.GetElapsedTime(started);
        _http.BaseAddress = _cluster.GatewayAddresses[0];
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null) await _cluster.DisposeAsync();
        _http.Dispose();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// While processes run, Orleans would make no activations as long as the time is earlier than one that it has seen. When they start again, a silo's number at its
    /// address is made of a time that is earlier than that of its predecessor, and the last sign of life of a silo that was ahead lies in the future.
    /// </summary>
    [Fact]
    public async Task Clocks_SetByAnHour_WhileProcessesRunAndWhenTheyStartAgain_NothingFails()
    {
        Assert.SkipWhen(_refusal is not null, _refusal ?? "");
        foreach (var ahead in (TimeSpan[])[s_hour, TimeSpan.Zero])
        {
            foreach (var process in _cluster!.All) _clocks.Set(process.Name, ahead);
            await Task.Delay(SetClocks.Delay, Cancellation);
            await WorkAsync($"{ahead.TotalHours:+0;-0;0} h");
        }

        // One silo is ahead when all die.
        _clocks.Set("control-1", s_hour);
        await _cluster!["control-1"].RestartAsync();
        await ActiveAsync("control-0", "control-1");
        await _cluster.KillAllAsync();

        // The others start without it, an hour behind, at their old addresses.
        foreach (var process in _cluster.All.Where(process => process.Name != "control-1")) _clocks.Set(process.Name, -s_hour);
        var started = Stopwatch.GetTimestamp();
        foreach (var process in _cluster.All.Where(process => process.Name != "control-1")) process.Start();
        await _cluster.ReadyAsync(1, Cancellation);
        AssertInTime(started, "the others");
        await WorkAsync("without the one that was ahead");

        _clocks.Set("control-1", TimeSpan.Zero);
        started = Stopwatch.GetTimestamp();
        _cluster["control-1"].Start();
        await ActiveAsync("control-0", "control-1");
        AssertInTime(started, "the one that was ahead");
    }

    /// <summary>Connection string of a database, or null for the embedded store; or why there is none.</summary>
    private protected abstract Task<(string? Postgres, string? Refusal)> StoreAsync();

    /// <summary>New grains of every kind that requests make: a job, a picture that somebody waits for, what is asked of both.</summary>
    private async Task WorkAsync(string when)
    {
        var started = Stopwatch.GetTimestamp();
        var number = ++_jobCount;
        var items = Enumerable.Range(0, ItemCount).Select(item => new { id = $"i{item}", prompt = $"a star {number} {item}" });
        using var job = await AskAsync(HttpMethod.Post, "/v1/jobs", JsonContent.Create(new { items }));
        var id = job.RootElement.GetProperty("id").GetString()!;
        using var picture = await AskAsync(HttpMethod.Post, "/v1/images/generations", JsonContent.Create(new { prompt = $"picture {number}" }));
        Assert.Equal(1, picture.RootElement.GetProperty("data").GetArrayLength());
        using var list = await AskAsync(HttpMethod.Get, "/v1/jobs");
        Assert.Contains(list.RootElement.GetProperty("data").EnumerateArray(), listed => listed.GetProperty("id").GetString() == id);
        while (true)
        {
            using var now = await AskAsync(HttpMethod.Get, $"/v1/jobs/{id}");
            if (now.RootElement.GetProperty("status").GetString() == "completed") break;
            await Task.Delay(100, Cancellation);
        }

        using var results = await AskAsync(HttpMethod.Get, $"/v1/jobs/{id}/results?limit=1000");
        Assert.Equal(ItemCount, results.RootElement.GetProperty("data").GetArrayLength());
        await ReadyAsync();
        output.WriteLine($"{when}: {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s");
    }

    /// <summary>A busy machine may answer a probe late once; one whose grains can't be activated never does.</summary>
    private async Task ReadyAsync()
    {
        for (var started = Stopwatch.GetTimestamp(); ; await Task.Delay(100, Cancellation))
        {
            using var answer = await _http.GetAsync("/health/ready", Cancellation);
            if (answer.StatusCode == HttpStatusCode.OK) return;
            Assert.True(Stopwatch.GetElapsedTime(started) < s_start, await answer.Content.ReadAsStringAsync(Cancellation));
        }
    }

    private async Task<JsonDocument> AskAsync(HttpMethod method, string path, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        using var answer = await _http.SendAsync(request, Cancellation);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.True(answer.IsSuccessStatusCode, $"{method} {path} → {(int)answer.StatusCode}: {text}{Environment.NewLine}{_cluster!.TellLogs()}");
        Assert.NotEqual(HttpStatusCode.NoContent, answer.StatusCode);
        return JsonDocument.Parse(text);
    }

    private async Task ActiveAsync(params string[] names)
    {
        var client = await _cluster!.ConnectAsync(Cancellation);
        var ports = names.Select(name => _cluster[name].SiloPort).ToHashSet();
        for (var started = Stopwatch.GetTimestamp(); ; await Task.Delay(100, Cancellation))
        {
            try
            {
                var hosts = await client.GetGrain<IManagementGrain>(0).GetHosts(onlyActive: true);
                var alive = _cluster.Silos.Where(silo => silo.IsRunning).Select(silo => silo.SiloPort);
                if (ports.IsSubsetOf(hosts.Keys.Select(host => host.Endpoint.Port)) && ports.IsSubsetOf(alive)) return;
            }
            catch (Exception interruption) when (interruption is TimeoutException or OrleansException)
            {
                // Whoever was asked was killed a moment ago.
            }

            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(1), $"{string.Join(" and ", names)} are not active.{Environment.NewLine}{_cluster.TellLogs()}");
        }
    }

    private void AssertInTime(long started, string what)
    {
        var seconds = Stopwatch.GetElapsedTime(started);
        output.WriteLine($"{what}: {seconds.TotalSeconds:0.0} s to start; with right clocks it took {_rightStart.TotalSeconds:0.0} s");
        Assert.True(seconds < s_start + (2 * _rightStart), $"{what} took {seconds.TotalSeconds:0.0} s.{Environment.NewLine}{_cluster!.TellLogs()}");
    }
}

/// <summary>On SQLite.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class EmbeddedSetClockTests(ITestOutputHelper output) : SetClockTests(output)
{
    private protected override Task<(string? Postgres, string? Refusal)> StoreAsync() => Task.FromResult<(string?, string?)>((null, null));
}

/// <summary>On PostgreSQL, whose server keeps the right time.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class PostgresSetClockTests(PostgresFixture server, ITestOutputHelper output) : SetClockTests(output)
{
    private protected override Task<(string? Postgres, string? Refusal)> StoreAsync() => server.TryCreateDatabaseAsync();
}
