using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Emu3.Benchmarks.Processes;
using Emu3.Grains.Interfaces;
using Emu3.Observability;
using Emu3.Tests.Deployment;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace Emu3.Tests.Cluster;

/// <summary>Alone: instruments of one process are seen by every host in it, and those of a cluster that ends take theirs along.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class MetricsTests : IAsyncLifetime
{
    private static readonly string[] s_contract =
    [
        "vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc", "vllm:prompt_tokens_total", "vllm:generation_tokens_total",
        "vllm:request_success_total", "vllm:num_preemptions_total", "vllm:time_to_first_token_seconds_bucket", "vllm:inter_token_latency_seconds_bucket",
        "vllm:e2e_request_latency_seconds_bucket", "vllm:request_queue_time_seconds_bucket", "emu3_images_completed_total", "emu3_image_duration_seconds_bucket",
        "emu3_cfg_pairs_running", "emu3_visual_tokens_total", "emu3_checkpoints_written_total", "emu3_items_resumed_total", "emu3_items_rewound_total",
        "emu3_jobs_ended_total", "emu3_items_pending", "emu3_jobs_past_target", "emu3_store_write_duration_seconds_bucket", "emu3_disk_free_bytes",
        "emu3_devices_in_quarantine", "emu3_webhooks_total", "http_server_request_duration_seconds_count",
    ];

    private readonly TemporaryFolder _folder = new();
    private GatewayCluster _gateway = null!;
    private HttpClient _metrics = null!;

    public async ValueTask InitializeAsync()
    {
        var cluster = await EmbeddedCluster.StartAsync(
            _folder.FullPath, new() { TimePerToken = TimeSpan.FromMilliseconds(1) }, metrics: new() { Address = "http://127.0.0.1:0" });
        _gateway = await GatewayCluster.StartAsync(cluster);
        _metrics = new() { BaseAddress = cluster.SiloServices.GetRequiredService<MetricsServer>().Address };
    }

    public async ValueTask DisposeAsync()
    {
        _metrics.Dispose();
        await _gateway.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Scrape_AfterAFewItems_HasAllThatDashboardAndAlertsAskFor()
    {
        await RunAFewItemsAsync();
        var scrape = await ScrapeUntilAsync(scrape => Missing(scrape).Count == 0 && scrape.Value("emu3_jobs_ended_total", ("status", "Completed")) > 0);
        Assert.Empty(Missing(scrape));
        (string, string)[] model = [("model_name", "fake")];
        Assert.True(scrape.Value("emu3_images_completed_total", model) >= 3);
        Assert.True(scrape.Value("emu3_image_duration_seconds_count", model) >= 3);
        Assert.True(scrape.Value("emu3_visual_tokens_total", model) >= 3 * 75, "Three pictures of 8 by 8 cells have 75 tokens each.");
        Assert.True(scrape.Value("vllm:generation_tokens_total", model) >= (3 * 75) + 20);
        Assert.True(scrape.Value("vllm:request_success_total", ("finished_reason", "stop")) >= 3);
        Assert.True(scrape.Value("vllm:request_success_total", ("finished_reason", "length")) >= 1);
        Assert.True(scrape.Value("vllm:time_to_first_token_seconds_count") >= 4);
        Assert.True(scrape.Value("http_server_request_duration_seconds_count", ("http_route", "/v1/jobs"), ("http_response_status_code", "202")) >= 1);
        Assert.True(scrape.Value("emu3_disk_free_bytes", ("folder", "blobs")) > 0);
        Assert.True(scrape.Value("emu3_store_write_duration_seconds_count", ("kind", "state")) > 0);
        Assert.Equal(0, scrape.Value("vllm:num_requests_running"));
        Assert.Equal(0, scrape.Value("emu3_cfg_pairs_running"));

        static IReadOnlyList<string> Missing(Scrape scrape) => [.. MonitoringFiles.Metrics().Union(s_contract).Except(scrape.Names)];
    }

    [Fact]
    public async Task Labels_TellNothing_OfTenantsJobsAndPrompts()
    {
        var job = await RunAFewItemsAsync();
        var scrape = await ScrapeUntilAsync(scrape => scrape.Value("emu3_jobs_ended_total", ("status", "Completed")) > 0);
        Assert.DoesNotContain(scrape.Series, series => series.Contains(job, StringComparison.Ordinal) || series.Contains("a secret wish", StringComparison.Ordinal)
            || series.Contains("tenant=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Backlog_AndJobsThatWillBeLate_AreTold()
    {
        var spec = TestJobs.Spec() with { DueAt = TimeProvider.System.GetUtcNow().AddHours(-1) };
        var client = _gateway.Cluster.Client;
        var id = JobId.Draw();
        await client.GetGrain<IGenerationJob>(id.Value).Open(spec);
        await client.GetGrain<IJobShard>(id.Shard(0)).Init(spec, 0, [.. Enumerable.Range(0, 40).Select(number => TestJobs.Chat(number, tokens: 4000))]);
        await client.GetGrain<IGenerationJob>(id.Value).Seal(40, "hash");
        var scrape = await ScrapeUntilAsync(scrape =>
            scrape.Value("vllm:num_requests_waiting", ("engine", "queue")) > 0 && scrape.Value("emu3_items_running") > 0 && scrape.Value("vllm:num_requests_running") > 0);
        Assert.Equal(1, scrape.Value("emu3_jobs_past_target", ("model_name", "fake")));
        Assert.Equal(1, scrape.Value("emu3_workers_ready", ("model_name", "fake")));
        Assert.True(scrape.Value("vllm:kv_cache_usage_perc") > 0);

        await client.GetGrain<IGenerationJob>(id.Value).Cancel();
        await ScrapeUntilAsync(scrape => scrape.Value("emu3_items_pending") == 0 && scrape.Value("emu3_jobs_past_target") == 0
            && scrape.Value("emu3_jobs_ended_total", ("status", "Cancelled")) > 0);
    }

    [Fact]
    public async Task HealthPages_OfSiloAndGateway_SayThatTheyAreWell()
    {
        foreach (var http in (HttpClient[])[_metrics, _gateway.Http])
            foreach (var page in (string[])[HealthPages.LivePath, HealthPages.StartupPath, HealthPages.ReadyPath])
            {
                using var response = await http.GetAsync(page, TestContext.Current.CancellationToken);
                var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
                Assert.True(response.StatusCode == HttpStatusCode.OK, $"{http.BaseAddress}{page}: {text}");
                Assert.Equal("ok", JsonSerializer.Deserialize<JsonElement>(text).GetProperty("status").GetString());
            }

        using var nothing = await _metrics.GetAsync("/v1/jobs", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, nothing.StatusCode);
    }

    [Fact]
    public async Task Promtool_FindsNothingWrong_WithWhatWeName()
    {
        await RunAFewItemsAsync();
        var (exitCode, text) = await Promtool.RunAsync(await PageAsync(), "check", "metrics");
        Assert.True(exitCode is 0 or 3, text); // 3: advice about names alone

        // vLLM's, Orleans' and .NET's names are not ours to choose.
        Assert.DoesNotContain(text.Split('\n'), line => line.StartsWith("emu3_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Prometheus_Scrapes_AndEvaluatesTheRules()
    {
        var program = Promtool.Require("prometheus");
        await RunAFewItemsAsync();
        var port = FreePorts.Take();
        await File.WriteAllTextAsync(_folder.PathTo("prometheus.yml"), $$"""
            global: { scrape_interval: 1s, evaluation_interval: 1s }
            rule_files: ["{{MonitoringFiles.WriteRules(_folder.FullPath)}}"]
            scrape_configs:
              - job_name: emu3
                static_configs: [{ targets: ["{{_metrics.BaseAddress!.Authority}}"] }]
            """, TestContext.Current.CancellationToken);
        using var prometheus = Process.Start(new ProcessStartInfo(program,
        [
            $"--config.file={_folder.PathTo("prometheus.yml")}", $"--storage.tsdb.path={_folder.PathTo("prometheus")}", $"--web.listen-address=127.0.0.1:{port}",
        ])
        { RedirectStandardError = true })!;
        try
        {
            var log = prometheus.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            using var http = new HttpClient { BaseAddress = new($"http://127.0.0.1:{port}") };
            Assert.True(await BecomesTrueAsync(() => QueryAsync(http, "up == 1")), prometheus.HasExited ? await log : "It does not say that the target is up.");
            Assert.True(await BecomesTrueAsync(() => QueryAsync(http, """vllm:num_requests_waiting{engine="queue"}""")), "It does not have the queue.");
            Assert.True(await BecomesTrueAsync(() => QueryAsync(http, "emu3_images_completed_total >= 3")), "It does not have the pictures.");
            var rules = await http.GetStringAsync("/api/v1/rules", TestContext.Current.CancellationToken);
            Assert.DoesNotContain("\"health\":\"err\"", rules, StringComparison.Ordinal);
        }
        finally
        {
            prometheus.Kill();
            await prometheus.WaitForExitAsync(CancellationToken.None);
        }
    }

    /// <summary>Whether a query has a result, asked of a Prometheus that may not be up yet.</summary>
    private static async Task<bool> QueryAsync(HttpClient http, string query)
    {
        try
        {
            var answer = await http.GetFromJsonAsync<JsonElement>($"/api/v1/query?query={Uri.EscapeDataString(query)}", TestContext.Current.CancellationToken);
            return answer.GetProperty("data").GetProperty("result").GetArrayLength() > 0;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static async Task<bool> BecomesTrueAsync(Func<Task<bool>> isTrue)
    {
        for (var attempt = 0; attempt < 300; attempt++)
        {
            if (await isTrue()) return true;
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        return false;
    }

    private async Task<string> RunAFewItemsAsync()
    {
        var accepted = await _gateway.SubmitAsync(
        [
            "{}",
            """{"prompt":"a secret wish","n":3,"size":"64x64"}""",
            """{"messages":[{"role":"user","content":"a secret wish"}],"max_tokens":20}""",
        ]);
        var job = accepted.GetProperty("id").GetString()!;
        await _gateway.WaitAsync(job);
        return job;
    }

    private async Task<Scrape> ScrapeUntilAsync(Predicate<Scrape> isThere)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(1));
        while (true)
        {
            var scrape = Scrape.Parse(await PageAsync());
            if (isThere(scrape) || patience.IsCancellationRequested) return scrape;
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    private async Task<string> PageAsync()
    {
        using var response = await _metrics.GetAsync("/metrics", TestContext.Current.CancellationToken);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }
}
