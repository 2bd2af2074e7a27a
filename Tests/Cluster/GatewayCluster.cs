using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using Emu3.Gateway;
using Emu3.Tests.Fakes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Emu3.Tests.Cluster;

/// <summary>An embedded cluster with a gateway before it, spoken to over real HTTP.</summary>
internal sealed class GatewayCluster : IAsyncDisposable
{
    private readonly WebApplication _gateway;
    private readonly DescribedGateway _answers;
    private readonly TemporaryFolder? _folder;

    private GatewayCluster(EmbeddedCluster cluster, WebApplication gateway, DescribedGateway answers, TemporaryFolder? folder)
    {
        (Cluster, _gateway, _answers, _folder) = (cluster, gateway, answers, folder);
        Address = new(gateway.Urls.Single());
        Http = new() { BaseAddress = Address };
    }

    public EmbeddedCluster Cluster { get; }

    public Uri Address { get; }

    public HttpClient Http { get; }

    public static async Task<GatewayCluster> StartAsync(FakeEngineOptions? engine = null, GatewayHostOptions? options = null)
    {
        var folder = new TemporaryFolder();
        return await StartAsync(await EmbeddedCluster.StartAsync(folder.FullPath, engine), folder, options);
    }

    /// <summary>Puts a gateway before a cluster, which ends with it.</summary>
    public static async Task<GatewayCluster> StartAsync(
        EmbeddedCluster cluster, TemporaryFolder? folder = null, GatewayHostOptions? options = null, ILoggerProvider? log = null)
    {
        var answers = new DescribedGateway();
        var gateway = GatewayHost.Build(new Uri("http://127.0.0.1:0"), builder =>
        {
            builder.Logging.ClearProviders();
            if (log is not null) builder.Logging.AddProvider(log).SetMinimumLevel(LogLevel.Trace);
            builder.Services.AddSingleton<IStartupFilter>(answers);
            builder.Services.AddSingleton(cluster.Client);
            builder.Services.AddSingleton(cluster.Blobs);
            if (options is not null) builder.Services.AddSingleton(options);
        });
        await gateway.StartAsync();
        await DescribedGateway.RulesOf(gateway.Services);
        return new(cluster, gateway, answers, folder);
    }

    /// <summary>Submits JSON lines; the status must be the expected one.</summary>
    public async Task<JsonElement> SubmitAsync(IEnumerable<string> lines, int expectedStatus = 202, string? key = null, string query = "")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/jobs{query}")
        {
            Content = new StringContent(string.Join('\n', lines), Encoding.UTF8, "application/x-ndjson"),
        };
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        return await SendAsync(request, expectedStatus);
    }

    public Task<JsonElement> GetAsync(string path, int expectedStatus = 200) => SendAsync(new(HttpMethod.Get, path), expectedStatus);

    public async Task<JsonElement> SendAsync(HttpRequestMessage request, int expectedStatus)
    {
        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(expectedStatus == (int)response.StatusCode, $"{(int)response.StatusCode}: {text}");
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }

    /// <summary>Events of a stream from the one after <paramref name="lastEventId"/>, until the connection is dropped or the stream ends.</summary>
    public async IAsyncEnumerable<(string Type, JsonElement Data, string? Id)> EventsAsync(string path, string? lastEventId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastEventId is not null) request.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);
        using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        await using var stream = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(TestContext.Current.CancellationToken))
            yield return (item.EventType, JsonSerializer.Deserialize<JsonElement>(item.Data), item.EventId);
    }

    /// <summary>The job as its last event tells it.</summary>
    public async Task<JsonElement> WaitAsync(string job)
    {
        await foreach (var (type, data, _) in EventsAsync($"/v1/jobs/{job}/events"))
            if (type == "done") return data;
        throw new InvalidOperationException($"The events of {job} ended before it did.");
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _gateway.DisposeAsync();
        await Cluster.DisposeAsync();
        _folder?.Dispose();
        _answers.AssertNoDepartures();
    }
}
