using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Tests.Unit.Grains.Interfaces.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Emu3.Tests.Fakes;

/// <summary>
/// A gateway over real HTTP without a cluster behind it: it checks requests as the real one does, and "makes" an output by writing down its prompt and
/// seed. The test says how many outputs it may make, which fail, and how many events it sends before it drops a connection.
/// </summary>
internal sealed class FakeGateway : IAsyncDisposable
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, FakeJob> _jobs = new();
    private readonly SemaphoreSlim _allowance = new(0);
    private readonly SemaphoreSlim _one = new(1);
    private readonly TaskCompletionSource _followed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private FakeGateway(WebApplication app) => _app = app;

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    public ModelInfo Info { get; set; } = Cards.Released with
    {
        Name = "fake",
        WeightsHash = "w1",
        ImageArea = 4096,
        MaxPositions = 512,
        CodebookSize = 2048,
        GuidanceScale = 1.5,
        ImageSampling = new(0.7, 64, 1),
        PromptSuffix = "",
    };

    /// <summary>How often each output was made.</summary>
    public ConcurrentDictionary<(string Id, uint Sample), int> Made { get; } = new();

    /// <summary>Ids of items that fail, with the reason.</summary>
    public ConcurrentDictionary<string, string> Failing { get; } = new();

    /// <summary>Events that one connection carries before it ends, as when a gateway goes down.</summary>
    public int EventsPerConnection { get; set; } = int.MaxValue;

    /// <summary>Requests to make a job, as they came.</summary>
    public ConcurrentQueue<(string? Key, string Body)> Submissions { get; } = new();

    /// <summary>Items that validation and submission refuse: id and message, as an engine that measures would.</summary>
    public Dictionary<string, string> Unmeasurable { get; } = [];

    public IReadOnlyCollection<string> Jobs => [.. _jobs.Keys];

    /// <summary>Files that nobody has taken and released.</summary>
    public int HeldFileCount => _jobs.Values.Sum(job => job.Files.Count);

    /// <summary>Completes when someone follows a job.</summary>
    public Task Followed => _followed.Task;

    /// <summary>One for each file that was released.</summary>
    public SemaphoreSlim Released { get; } = new(0);

    /// <summary>Lets so many more outputs be made.</summary>
    public void Allow(int count) => _allowance.Release(count);

    /// <summary>Starts one that makes everything at once.</summary>
    public static Task<FakeGateway> StartAsync() => StartAsync(int.MaxValue);

    /// <summary>Starts one that makes so many outputs until it is allowed more.</summary>
    public static async Task<FakeGateway> StartAsync(int allowed)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var gateway = new FakeGateway(app);
        if (allowed > 0)
        {
            gateway._allowance.Release(allowed);
        }

        gateway.Map();
        await app.StartAsync();
        return gateway;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
        _allowance.Dispose();
        _one.Dispose();
        Released.Dispose();
    }

    private void Map()
    {
        _app.MapGet("/health", () => Results.Json(new { status = "ok", workers = 1, model = Info.Name }));
        _app.MapGet("/v1/models", () => Results.Json(new JsonObject
        {
            ["object"] = "list",
            ["data"] = new JsonArray(new JsonObject { ["id"] = Info.Name, ["object"] = "model", ["emu3"] = JsonSerializer.SerializeToNode(Info, s_json), ["workers"] = 1, ["slots"] = 8 }),
        }));
        _app.MapPost("/v1/jobs", SubmitAsync);
        _app.MapGet("/v1/jobs/{id}", (string id) => _jobs.TryGetValue(id, out var job) ? Results.Json(job.ToJson(), s_json) : Results.NotFound());
        _app.MapDelete("/v1/jobs/{id}", (string id) => _jobs.TryRemove(id, out _) ? Results.NoContent() : Results.NotFound());
        _app.MapGet("/v1/jobs/{id}/events", EventsAsync);
        _app.MapGet("/v1/jobs/{id}/items/{index:int}/content", (string id, int index) =>
            _jobs.TryGetValue(id, out var job) && job.Files.TryGetValue(index, out var file) ? Results.Bytes(file) : Results.NotFound());
        _app.MapDelete("/v1/jobs/{id}/items/{index:int}/content", (string id, int index) =>
        {
            if (_jobs.TryGetValue(id, out var job) && job.Files.TryRemove(index, out _))
            {
                Released.Release();
            }

            return Results.NoContent();
        });
    }

    private async Task<IResult> SubmitAsync(HttpRequest request, bool validate = false)
    {
        var body = await new StreamReader(request.Body).ReadToEndAsync();
        var key = request.Headers["Idempotency-Key"].FirstOrDefault();
        Submissions.Enqueue((key, body));
        var lines = body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var errors = new List<ItemError>();
        var job = JobRequest.Read(JsonDocument.Parse(lines[0]).RootElement, errors);
        Assert.Empty(errors);
        var (specs, lineErrors) = Resolve(job, lines.AsSpan(1));
        if (validate)
        {
            return Results.Json(new
            {
                items = lines.Length - 1,
                outputs = specs.Count,
                lineErrors,
                positions = new { max = 100, sum = 100 * specs.Count, limit = Info.MaxPositions },
                estimatedBytes = 9000 * specs.Count,
                estimatedSeconds = 0.5 * specs.Count,
                estimateBasis = "predicted",
            }, s_json);
        }

        if (lineErrors.Count > 0)
        {
            return Results.Json(new { error = new { message = "Some items are wrong.", type = "invalid_request_error", code = "invalid_items", lineErrors } }, s_json, statusCode: 400);
        }

        var id = key is null ? JobId.Draw() : JobId.FromIdempotencyKey("test", key);
        var made = _jobs.GetOrAdd(id.Value, _ => new(id.Value, specs));
        return Results.Json(made.ToJson(), s_json, statusCode: 202);
    }

    private (List<ItemSpec> Specs, List<LineError> Errors) Resolve(JobRequest job, ReadOnlySpan<string> lines)
    {
        var specs = new List<ItemSpec>();
        var errors = new List<LineError>();
        for (var i = 0; i < lines.Length; i++)
        {
            var itemErrors = new List<ItemError>();
            var request = ItemRequestReader.ReadItem(JsonDocument.Parse(lines[i]).RootElement, itemErrors);
            var resolution = ItemResolver.Resolve(request, i + 1, new()
            {
                Model = Info,
                JobSeed = job.Seed ?? 0,
                Defaults = job.Defaults,
                KeyOf = picture => Convert.ToHexString(picture.Hash),
            });
            if (request.Id is { } id && Unmeasurable.TryGetValue(id, out var message))
            {
                itemErrors.Add(new("prompt", message));
            }

            errors.AddRange(itemErrors.Concat(resolution.Errors).Select(error => new LineError(i + 1, error.Param, error.Message)));
            specs.AddRange(resolution.Specs);
        }

        return (specs, errors);
    }

    private async Task EventsAsync(HttpContext context, string id)
    {
        if (!_jobs.TryGetValue(id, out var job))
        {
            context.Response.StatusCode = 404;
            return;
        }

        _followed.TrySetResult();
        context.Response.ContentType = "text/event-stream";
        var sent = 0;
        var last = context.Request.Headers["Last-Event-ID"].FirstOrDefault();
        for (var index = last is null ? 0 : int.Parse(last, null); index < job.Specs.Count; index++)
        {
            await job.MakeAsync(index, this, context.RequestAborted);
            if (sent++ == EventsPerConnection)
            {
                return;
            }

            var data = JsonSerializer.Serialize(new { outcome = job.Outcomes[index], job = job.ToJson() }, s_json);
            await context.Response.WriteAsync($": ping\n\nid: {index + 1}\nevent: item\ndata: {data}\n\n", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }

        await context.Response.WriteAsync($"event: done\ndata: {JsonSerializer.Serialize(job.ToJson(), s_json)}\n\n", context.RequestAborted);
    }

    /// <summary>Outputs are made in order, each once, when someone follows.</summary>
    private sealed class FakeJob(string id, IReadOnlyList<ItemSpec> specs)
    {

        public IReadOnlyList<ItemSpec> Specs { get; } = specs;
        public List<object> Outcomes { get; } = [];
        public ConcurrentDictionary<int, byte[]> Files { get; } = new();

        public object ToJson() => new
        {
            id,
            status = Outcomes.Count == Specs.Count ? "completed" : "running",
            seed = "0",
            counts = new { total = Specs.Count, pending = Specs.Count - Outcomes.Count, running = 0, done = Outcomes.Count, failed = 0, cancelled = 0 },
        };

        public async Task MakeAsync(int index, FakeGateway gateway, CancellationToken cancellationToken)
        {
            await gateway._one.WaitAsync(cancellationToken);
            try
            {
                if (index < Outcomes.Count)
                {
                    return;
                }

                await gateway._allowance.WaitAsync(cancellationToken);
                var spec = Specs[index];
                gateway.Made.AddOrUpdate((spec.Id, spec.SampleIndex), 1, (_, count) => count + 1);
                Outcomes.Add(gateway.Failing.TryGetValue(spec.Id, out var reason)
                    ? new { index, spec.Id, sample = spec.SampleIndex, status = "failed", kind = Kind(spec), error = new { code = "engine_failed", message = reason } }
                    : Done(index, spec));
            }
            finally
            {
                gateway._one.Release();
            }
        }

        private static string Kind(ItemSpec spec) => spec.Image is null ? "chat" : "image";

        private object Done(int index, ItemSpec spec)
        {
            var text = spec.Image?.Prompt ?? $"an answer to {spec.Chat!.Turns[^1].Parts[^1].Text}";
            var file = Encoding.UTF8.GetBytes($"{text} {spec.Seed} {spec.SampleIndex}");
            if (spec.Image is not null)
            {
                Files[index] = file;
            }

            return new
            {
                index,
                spec.Id,
                sample = spec.SampleIndex,
                status = "done",
                kind = Kind(spec),
                seed = spec.Seed.ToString(null, null),
                prompt = spec.Image?.Prompt,
                question = spec.Chat?.Turns[^1].Parts[^1].Text,
                text = spec.Image is null ? text : null,
                negativePrompt = spec.Image?.NegativePrompt,
                guidanceScale = spec.Image?.GuidanceScale,
                temperature = spec.Sampling.Temperature,
                topK = spec.Sampling.TopK,
                topP = spec.Sampling.TopP,
                width = spec.Image?.LatentWidth * 8,
                height = spec.Image?.LatentHeight * 8,
                format = spec.Image?.Format.ToString().ToLowerInvariant() ?? "text",
                stop = spec.Chat?.Stop,
                fileBytes = file.Length,
                fileSha256 = Convert.ToHexStringLower(SHA256.HashData(file)),
                tokensSha256 = "t",
                finishReason = "stop",
                usage = new { promptTokens = 10, completionTokens = 75, totalTokens = 85 },
                numericClass = "fake",
                reproducible = true,
            };
        }
    }
}
