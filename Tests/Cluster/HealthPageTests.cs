using System.Net;
using Emu3.Benchmarks.Processes;
using Emu3.Gateway;
using Emu3.Inference;
using Emu3.Observability;
using Emu3.Silo;
using Emu3.Storage;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Emu3.Tests.Cluster;

/// <summary>What probes are told while something comes up, and while it goes.</summary>
[Trait("Suite", "Cluster")]
public sealed class HealthPageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _http = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _http.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Silo_IsReady_FromTheLoadedModelToItsDrain()
    {
        var (begun, loaded) = (new TaskCompletionSource(), new TaskCompletionSource<IEngine>());
        using var silo = SiloHost.Create(new()
        {
            Cluster = ClusterConnection.SingleProcess(DataFolder.At(_folder.FullPath)),
            Engines = [new EngineOptions { Model = "models/fake" }],
            EngineFactory = (_, _, progress, stopping) =>
            {
                progress.Report("loading weights");
                begun.SetResult();
                return loaded.Task.WaitAsync(stopping);
            },
            Metrics = new() { Address = "http://127.0.0.1:0" },
        });
        await silo.StartAsync(Cancellation);
        await begun.Task.WaitAsync(Cancellation);
        _http.BaseAddress = silo.Services.GetRequiredService<MetricsServer>().Address;
        var (status, text) = await AskAsync(HealthPages.StartupPath);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("loading weights", text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await AskAsync(HealthPages.ReadyPath)).Status);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(HealthPages.LivePath)).Status);

        await using var engine = new FakeEngine();
        loaded.SetResult(engine);
        while ((await AskAsync(HealthPages.StartupPath)).Status != HttpStatusCode.OK) await Task.Delay(20, Cancellation);
        while ((await AskAsync(HealthPages.ReadyPath)).Status != HttpStatusCode.OK) await Task.Delay(20, Cancellation);

        await silo.StopAsync(Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await AskAsync(HealthPages.ReadyPath)).Status);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(HealthPages.LivePath)).Status);
        await ((IAsyncDisposable)silo).DisposeAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(HealthPages.LivePath));
    }

    [Fact]
    public async Task Gateway_WithoutACluster_HasStarted_AndIsNotReady()
    {
        _http.BaseAddress = new($"http://127.0.0.1:{FreePorts.Take()}");
        await using var gateway = GatewayHost.Build(
            _http.BaseAddress, ClusterConnection.SingleProcess(DataFolder.At(_folder.FullPath)), builder => builder.Logging.ClearProviders());
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var starting = gateway.StartAsync(stop.Token);
        while (!await AnswersAsync()) await Task.Delay(20, Cancellation);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(HealthPages.StartupPath)).Status);
        var (status, text) = await AskAsync(HealthPages.ReadyPath);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("cluster", text, StringComparison.Ordinal);
        await stop.CancelAsync();
        await Task.WhenAny(starting); // it was told not to wait
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            return (await AskAsync(HealthPages.LivePath)).Status == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async Task<(HttpStatusCode Status, string Text)> AskAsync(string page)
    {
        using var response = await _http.GetAsync(page, Cancellation);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation));
    }
}
