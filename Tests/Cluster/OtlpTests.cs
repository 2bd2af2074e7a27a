using System.Collections.Concurrent;
using System.Text;
using Emu3.Observability;
using Emu3.Tests.Fakes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Emu3.Tests.Cluster;

/// <summary>Alone: where telemetry goes is a variable of the whole process.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class OtlpTests : IAsyncLifetime
{
    private static readonly Dictionary<string, string> s_variables = new()
    {
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
    };

    private readonly TemporaryFolder _folder = new();
    private readonly ConcurrentQueue<string> _received = [];
    private WebApplication _collector = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _collector = builder.Build();
        _collector.Run(async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body, http.RequestAborted);
            _received.Enqueue($"{http.Request.Path} {Encoding.Latin1.GetString(body.ToArray())}");
        });
        await _collector.StartAsync(TestContext.Current.CancellationToken);
        Environment.SetEnvironmentVariable(Telemetry.OtlpVariable, _collector.Urls.Single());
        foreach (var (name, value) in s_variables) Environment.SetEnvironmentVariable(name, value);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var name in s_variables.Keys.Append(Telemetry.OtlpVariable)) Environment.SetEnvironmentVariable(name, null);
        await _collector.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Endpoint_ThatIsConfigured_GetsMetricsAndSpans()
    {
        await using var gateway = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.FullPath));
        var job = await gateway.SubmitAsync(["{}", """{"prompt":"a secret wish","size":"64x64"}"""]);
        await gateway.WaitAsync(job.GetProperty("id").GetString()!);
        await ArrivesAsync("/v1/metrics ", "emu3.images.completed", "vllm.num_requests_running", "emu3-silo");
        await ArrivesAsync("/v1/traces ", "generate_content fake", "gen_ai.usage.output_tokens");
        Assert.DoesNotContain(_received, message => message.Contains("a secret wish", StringComparison.Ordinal));
    }

    private async Task ArrivesAsync(string path, params string[] words)
    {
        bool IsThere(string message) => message.StartsWith(path, StringComparison.Ordinal) && words.All(word => message.Contains(word, StringComparison.Ordinal));
        for (var attempt = 0; attempt < 600 && !_received.Any(IsThere); attempt++) await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Contains(_received, IsThere);
    }
}
