using System.Net;
using System.Reflection;
using System.Text;
using System.Text.Json;
using Emu3.Gateway;
using Emu3.Grains.Interfaces;
using Emu3.Storage.Blobs;
using Emu3.Tests.Fakes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Emu3.Tests.Unit.Gateway;

/// <summary>The gateway over HTTP, before a cluster with workers is there: what is wrong with a request is said all the same.</summary>
[Trait("Suite", "Fast")]
public sealed class GatewayHttpTests(GatewayHttpTests.Running gateway) : IClassFixture<GatewayHttpTests.Running>
{
    private readonly HttpClient _http = gateway.Http;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET", "/v1/nothing", null, null, 404, "unknown_url")]
    [InlineData("GET", "/nowhere", null, null, 404, "unknown_url")]
    [InlineData("PUT", "/v1/jobs", null, null, 405, "method_not_allowed")]
    [InlineData("GET", "/v1/images/generations", null, null, 405, "method_not_allowed")]
    [InlineData("POST", "/v1/images/generations", "prompt=x", "application/x-www-form-urlencoded", 415, "unsupported_media_type")]
    [InlineData("POST", "/v1/jobs", "x", "text/plain", 415, "unsupported_media_type")]
    [InlineData("POST", "/v1/images/generations", "{\"prompt\":", "application/json", 400, null)]
    [InlineData("POST", "/v1/chat/completions", "[]", "application/json", 400, null)]
    [InlineData("POST", "/v1/responses", "[]", "application/json", 400, null)]
    [InlineData("POST", "/v1/responses", "{\"input\":\"Hi\"}", "application/json", 503, "no_worker")]
    [InlineData("GET", "/v1/responses/resp_1", null, null, 404, "unknown_url")]
    [InlineData("POST", "/v1/completions", "{}", "application/json", 404, "unknown_url")]
    [InlineData("POST", "/v1/jobs", "", "application/x-ndjson", 400, null)]
    [InlineData("POST", "/v1/jobs", "{\"priorty\":1}\n", "application/x-ndjson", 400, null)]
    [InlineData("POST", "/v1/jobs?validate=maybe", "{}\n{\"prompt\":\"p\"}", "application/x-ndjson", 400, null)]
    [InlineData("POST", "/v1/jobs", "{}\n{\"prompt\":\"p\"}", "application/x-ndjson", 503, "no_worker")]
    [InlineData("POST", "/v1/images/generations", "{\"prompt\":\"p\"}", "application/json", 503, "no_worker")]
    [InlineData("GET", "/v1/jobs/job_1", null, null, 404, "job_not_found")]
    [InlineData("GET", "/v1/jobs/job_1/results?limit=0", null, null, 400, null)]
    [InlineData("GET", "/v1/jobs/job_1/events?after=x", null, null, 400, null)]
    [InlineData("GET", "/v1/jobs/job_1/items/-1", null, null, 404, "unknown_url")]
    [InlineData("GET", "/v1/models/none", null, null, 503, "no_worker")]
    public async Task Request_ThatCannotBeServed_IsAnErrorInOpenAisShape(string method, string path, string? body, string? contentType, int status, string? code)
    {
        using var request = new HttpRequestMessage(new(method), path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.ContentType = new(contentType!);
        }
        using var response = await _http.SendAsync(request, Cancellation);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.StartsWith("req_", Assert.Single(response.Headers.GetValues("x-request-id")), StringComparison.Ordinal);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        using var json = JsonDocument.Parse(await response.Content.ReadAsStreamAsync(Cancellation));
        var error = json.RootElement.GetProperty("error");
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
        Assert.NotEmpty(error.GetProperty("type").GetString()!);
        Assert.True(error.TryGetProperty("param", out _));
        if (status == 503) Assert.InRange(response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, FailureResponses.LongestRetryAfter);
    }

    [Theory]
    [InlineData("/v1/images/generations", """{"prompt":"p","response_format":"png"}""", "response_format")]
    [InlineData("/v1/images/generations", """{"prompt":"p","n":11}""", "n")]
    [InlineData("/v1/images/generations", """{"prompt":"p","background":"transparent"}""", "background")]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":"x"}],"logprobs":true}""", "logprobs")]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":"x"}],"stream":"yes"}""", "stream")]
    [InlineData("/v1/responses", """{"input":"x","stream":"yes"}""", "stream")]
    [InlineData("/v1/responses", """{"input":"x","stream_options":{"include_usage":true}}""", "stream_options.include_usage")]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":"x"}],"stop":["a",""]}""", "stop")]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.org/x.png"}}]}]}""",
        "messages[0].content[0].image_url.url")]
    public async Task Request_WithFieldThatWeDoNotServe_NamesIt(string path, string body, string param)
    {
        using var response = await _http.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"), Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        using var json = JsonDocument.Parse(await response.Content.ReadAsStreamAsync(Cancellation));
        Assert.Equal(param, json.RootElement.GetProperty("error").GetProperty("param").GetString());
    }

    [Theory]
    [InlineData("/health", 503)]
    [InlineData("/v1/jobs/job_1", 404)]
    [InlineData("/v1/jobs/job_1/events", 404)]
    [InlineData("/openapi/v1.json", 200)]
    [InlineData("/playground", 200)]
    [InlineData("/reference/", 200)]
    [InlineData("/nowhere", 404)]
    [InlineData("/v1/chat/completions", 405)]
    public async Task Head_IsAnsweredAsGet_WithoutABody(string path, int status)
    {
        using var asked = new HttpRequestMessage(HttpMethod.Head, path);
        using var head = await _http.SendAsync(asked, Cancellation);
        using var get = await _http.GetAsync(path, Cancellation);
        Assert.Equal((status, status), ((int)head.StatusCode, (int)get.StatusCode));
        Assert.Equal(get.Content.Headers.ContentType, head.Content.Headers.ContentType);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(Cancellation));
        Assert.True(head.Headers.Contains("x-request-id"));
    }

    [Fact]
    public async Task Body_WithAByteOrderMark_IsRead()
    {
        using var response = await _http.PostAsync("/v1/chat/completions", new ByteArrayContent([0xEF, 0xBB, 0xBF, .. "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"u8])
        {
            Headers = { ContentType = new("application/json") },
        }, Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode); // it gets as far as looking for a worker
    }

    [Fact]
    public async Task Request_LargerThanAllowed_Is413()
    {
        using var content = new StringContent($$"""{"prompt":"{{new string('x', 2 << 20)}}"}""", Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/images/generations") { Content = content };
        request.Headers.ExpectContinue = true; // the server answers and closes: a body on its way would meet a closed connection
        using var response = await _http.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Contains("request_too_large", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_WithoutWorker_SaysSo()
    {
        using var response = await _http.GetAsync("/health", Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Contains("no_worker", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    /// <summary>One gateway for all tests: it keeps nothing between requests.</summary>
    public sealed class Running : IAsyncLifetime
    {
        private readonly TemporaryFolder _folder = new();
        private readonly DescribedGateway _answers = new();
        private WebApplication _app = null!;

        public HttpClient Http { get; private set; } = null!;

        public IServiceProvider Services => _app.Services;

        public async ValueTask InitializeAsync()
        {
            _app = GatewayHost.Build(new Uri("http://127.0.0.1:0"), builder =>
            {
                builder.Logging.ClearProviders();
                builder.Services.AddSingleton<IStartupFilter>(_answers);
                builder.Services.AddSingleton(DispatchProxy.Create<IClusterClient, NoCluster>());
                builder.Services.AddSingleton<IBlobStore>(new FolderBlobStore(_folder.FullPath));
            });
            await _app.StartAsync();
            Http = new() { BaseAddress = new(_app.Urls.Single()) };
        }

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            await _app.DisposeAsync();
            _folder.Dispose();
            _answers.AssertNoDepartures();
        }
    }

    /// <summary>A client of a cluster with no worker and no job.</summary>
    public class NoCluster : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
            targetMethod!.Name == nameof(IGrainFactory.GetGrain) && targetMethod.GetGenericArguments() is [var grain]
                ? Create(grain, typeof(NoGrain))
                : throw new NotSupportedException(targetMethod.Name);
    }

    public class NoGrain : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name switch
        {
            nameof(IDispatcher.GetWorkers) => Task.FromResult<IReadOnlyList<WorkerInfo>>([]),
            nameof(IPulse.Beat) => Task.CompletedTask,
            nameof(IDispatcher.GetLoadingWorkers) => Task.FromResult<IReadOnlyList<LoadingWorker>>([]),
            nameof(IModelCatalog.List) => Task.FromResult<IReadOnlyList<ModelInfo>>([]),
            nameof(IGenerationJob.GetSnapshot) => Task.FromException<JobSnapshot>(new JobNotFoundException("x")),
            _ => throw new NotSupportedException(targetMethod.Name),
        };
    }
}
