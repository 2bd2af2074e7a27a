using System.Net;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Emu3.Grains.Interfaces;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace Emu3.Cli;

/// <summary>
/// A gateway, over HTTP. Calls that may be repeated are repeated while it does not answer; refusals come as <see cref="GatewayRefusal"/>, and a gateway
/// that stays away as a <see cref="CommandException"/>.
/// </summary>
internal sealed class GatewayClient : IDisposable
{
    private const int FollowAttempts = 20;
    private static readonly TimeSpan s_retryDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_longestRetryDelay = TimeSpan.FromSeconds(5);

    // The gateway sends a comment every 10 s when it has nothing to tell.
    private static readonly TimeSpan s_longestSilence = TimeSpan.FromSeconds(35);

    private readonly HttpClient _patient;
    private readonly HttpClient _plain;
    private readonly TimeProvider _time;

    /// <param name="address">Root of the gateway.</param>
    /// <param name="time">Clock of the waits between attempts.</param>
    /// <param name="retryDelay">First wait between two attempts; null for a quarter of a second.</param>
    public GatewayClient(Uri address, TimeProvider time, TimeSpan? retryDelay = null)
    {
        Address = address;
        _time = time;
        RetryDelay = retryDelay ?? s_retryDelay;
        var retries = new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = time }.AddRetry(new HttpRetryStrategyOptions
        {
            MaxRetryAttempts = 6,
            Delay = RetryDelay,
            MaxDelay = s_longestRetryDelay,
            BackoffType = DelayBackoffType.Exponential,
        }).Build();
        var sockets = new SocketsHttpHandler { MaxConnectionsPerServer = 64, PooledConnectionLifetime = TimeSpan.FromMinutes(10) };
        _plain = new(sockets) { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
        _patient = new(new ResilienceHandler(retries) { InnerHandler = sockets }) { BaseAddress = address, Timeout = TimeSpan.FromMinutes(5) };
    }

    public Uri Address { get; }

    private TimeSpan RetryDelay { get; }

    /// <summary>Whether the gateway can run something now; what it says when it can't.</summary>
    public async Task<(bool IsReady, string? Detail)> HealthAsync(CancellationToken cancellationToken)
    {
        using var response = await _plain.GetAsync("health", cancellationToken);
        var health = JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
        return (response.IsSuccessStatusCode, health?["detail"]?.ToString() ?? health?["status"]?.ToString());
    }

    /// <summary>What the gateway serves.</summary>
    public async Task<IReadOnlyList<ServedModel>> ModelsAsync(CancellationToken cancellationToken)
    {
        var list = await GetAsync<JsonObject>("v1/models", cancellationToken);
        return [.. list["data"]!.AsArray().Select(model => new ServedModel(
            model!["id"]!.GetValue<string>(), model["emu3"].Deserialize<ModelCard>(CliJson.Wire)!,
            Number(model, "workers"), Number(model, "slots")))];

        static int Number(JsonNode model, string name) => (model[name] ?? model["emu3"]?[name])?.GetValue<int>() ?? 0;
    }

    /// <summary>
    /// Makes a job of a job object and items, one JSON object each, or finds the one that this key made before: under one key the gateway makes at most one.
    /// The body is streamed.
    /// </summary>
    /// <exception cref="GatewayRefusal">Something is wrong with the job or its items; nothing was made.</exception>
    public async Task<JobInfo> SubmitAsync(string key, JsonObject job, IEnumerable<string> items, CancellationToken cancellationToken)
    {
        using var response = await PostLinesAsync("v1/jobs", key, job, items, cancellationToken);
        return (await response.Content.ReadFromJsonAsync<JobInfo>(CliJson.Wire, cancellationToken))!;
    }

    /// <summary>Checks a job and says what it would take, without making it.</summary>
    public async Task<JobValidation> ValidateAsync(JsonObject job, IEnumerable<string> items, CancellationToken cancellationToken)
    {
        using var response = await PostLinesAsync("v1/jobs?validate=true", null, job, items, cancellationToken);
        return (await response.Content.ReadFromJsonAsync<JobValidation>(CliJson.Wire, cancellationToken))!;
    }

    /// <summary>A job, or null when the gateway does not have it.</summary>
    public async Task<JobInfo?> FindJobAsync(string job, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(_patient, () => new(HttpMethod.Get, $"v1/jobs/{job}"), HttpCompletionOption.ResponseContentRead, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        await ThrowIfRefusedAsync(response, cancellationToken);
        return await response.Content.ReadFromJsonAsync<JobInfo>(CliJson.Wire, cancellationToken);
    }

    /// <summary>
    /// Everything that happens to a job, to its end, from a cursor on. A connection that breaks is opened again behind the last event that arrived:
    /// nothing is told twice and nothing is left out.
    /// </summary>
    public async IAsyncEnumerable<FollowedEvent> FollowAsync(string job, string? cursor, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var events = ReadEventsAsync(job, cursor, cancellationToken).GetAsyncEnumerator(cancellationToken);
            await using (events)
            {
                while (await MoveNextAsync(events, attempt, cancellationToken))
                {
                    attempt = 0;
                    cursor = events.Current.Cursor ?? cursor;
                    yield return events.Current;
                    if (events.Current.IsLast)
                    {
                        yield break;
                    }
                }
            }

            await Task.Delay(Backoff(attempt), _time, cancellationToken);
        }
    }

    /// <summary>The bytes of an output's file, or null when the gateway has them no more.</summary>
    public async Task<byte[]?> ContentAsync(string job, int index, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(
            _patient, () => new(HttpMethod.Get, $"v1/jobs/{job}/items/{index}/content"), HttpCompletionOption.ResponseContentRead, cancellationToken);
        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone)
        {
            return null;
        }

        await ThrowIfRefusedAsync(response, cancellationToken);
        return await response.Content.ReadAsByteArrayAsync(cancellationToken);
    }

    /// <summary>Tells the gateway that an output's file is safe elsewhere.</summary>
    public Task ReleaseContentAsync(string job, int index, CancellationToken cancellationToken) =>
        SendIdempotentAsync(HttpMethod.Delete, $"v1/jobs/{job}/items/{index}/content", cancellationToken);

    /// <summary>Removes a job that has ended, with its files.</summary>
    public Task DeleteJobAsync(string job, CancellationToken cancellationToken) => SendIdempotentAsync(HttpMethod.Delete, $"v1/jobs/{job}", cancellationToken);

    public Task CancelJobAsync(string job, CancellationToken cancellationToken) => SendIdempotentAsync(HttpMethod.Post, $"v1/jobs/{job}/cancel", cancellationToken);

    /// <summary>Draws pictures while the caller waits; cancelled when it stops waiting.</summary>
    public async Task<JsonObject> DrawAsync(JsonObject request, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(
            _plain, () => new(HttpMethod.Post, "v1/images/generations") { Content = JsonContent.Create(request) }, HttpCompletionOption.ResponseContentRead, cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
        return (await response.Content.ReadFromJsonAsync<JsonObject>(cancellationToken))!;
    }

    /// <summary>The pieces of an answer as they are written.</summary>
    public async IAsyncEnumerable<string> ChatAsync(JsonObject request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var response = await SendAsync(
            _plain, () => new(HttpMethod.Post, "v1/chat/completions") { Content = JsonContent.Create(request) }, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(cancellationToken))
        {
            if (item.Data == "[DONE]")
            {
                yield break;
            }

            var chunk = JsonNode.Parse(item.Data)!;
            if (chunk["error"] is { } error)
            {
                throw new GatewayRefusal(response.StatusCode, error["message"]?.ToString() ?? item.Data, []);
            }

            if (chunk["choices"] is JsonArray { Count: > 0 } choices && choices[0]!["delta"]?["content"]?.GetValue<string>() is { Length: > 0 } piece)
            {
                yield return piece;
            }
        }
    }

    public void Dispose()
    {
        _patient.Dispose();
        _plain.Dispose();
    }

    private async Task<bool> MoveNextAsync(IAsyncEnumerator<FollowedEvent> events, int attempt, CancellationToken cancellationToken)
    {
        try
        {
            // A stream that ends without its last event is a gateway that goes down: the caller opens it again.
            return await events.MoveNextAsync();
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            return attempt < FollowAttempts ? false : throw Away(e);
        }
    }

    private async IAsyncEnumerable<FollowedEvent> ReadEventsAsync(string job, string? cursor, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"v1/jobs/{job}/events");
        if (cursor is not null)
        {
            request.Headers.TryAddWithoutValidation("Last-Event-ID", cursor);
        }

        using var response = await _plain.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if ((int)response.StatusCode >= 500)
        {
            throw new HttpRequestException($"The gateway answered {(int)response.StatusCode}.");
        }

        await ThrowIfRefusedAsync(response, cancellationToken);
        await using var stream = new LimitedSilenceStream(await response.Content.ReadAsStreamAsync(cancellationToken), s_longestSilence);
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(cancellationToken))
        {
            switch (item.EventType)
            {
                case "item":
                    var both = JsonSerializer.Deserialize<ItemEvent>(item.Data, CliJson.Wire)!;
                    yield return new(item.EventId, both.Outcome, both.Job, false);
                    break;
                case "progress" or "done":
                    yield return new(item.EventId, null, JsonSerializer.Deserialize<JobInfo>(item.Data, CliJson.Wire), item.EventType == "done");
                    break;
            }
        }
    }

    private sealed record ItemEvent(Outcome Outcome, JobInfo? Job);

    private async Task<T> GetAsync<T>(string path, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(_patient, () => new(HttpMethod.Get, path), HttpCompletionOption.ResponseContentRead, cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
        return (await response.Content.ReadFromJsonAsync<T>(CliJson.Wire, cancellationToken))!;
    }

    private async Task SendIdempotentAsync(HttpMethod method, string path, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(_patient, () => new(method, path), HttpCompletionOption.ResponseContentRead, cancellationToken);
        if (response.StatusCode != HttpStatusCode.NotFound)
        {
            await ThrowIfRefusedAsync(response, cancellationToken);
        }
    }

    private async Task<HttpResponseMessage> PostLinesAsync(
        string path, string? key, JsonObject job, IEnumerable<string> items, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            HttpResponseMessage? response = null;
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new LinesContent(items.Prepend(job.ToJsonString())) };
                if (key is not null)
                {
                    request.Headers.Add("Idempotency-Key", key);
                }

                response = await _plain.SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
                if ((int)response.StatusCode < 500 || attempt == FollowAttempts)
                {
                    await ThrowIfRefusedAsync(response, cancellationToken);
                    return response;
                }

                response.Dispose();
            }
            catch (HttpRequestException e) when (attempt < FollowAttempts && e.InnerException is IOException or System.Net.Sockets.SocketException)
            {
                // The answer got lost: under its key the same request may be made again.
            }
            catch (HttpRequestException e)
            {
                throw Away(e);
            }
            catch (GatewayRefusal)
            {
                response?.Dispose();
                throw;
            }

            await Task.Delay(Backoff(attempt), _time, cancellationToken);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpClient client, Func<HttpRequestMessage> makeRequest, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        using var request = makeRequest();
        try
        {
            return await client.SendAsync(request, completion, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw Away(e);
        }
    }

    private static async Task ThrowIfRefusedAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode)
        {
            throw GatewayRefusal.Read(response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
        }
    }

    private CommandException Away(Exception cause) => CommandException.NotStarted($"The gateway at {Address} does not answer: {cause.Message}", cause);

    private TimeSpan Backoff(int attempt) =>
        TimeSpan.FromTicks(Math.Min(s_longestRetryDelay.Ticks, RetryDelay.Ticks << Math.Clamp(attempt - 1, 0, 10)));

    /// <summary>JSON lines, written while they are made.</summary>
    private sealed class LinesContent : HttpContent
    {
        private readonly IEnumerable<string> _lines;

        public LinesContent(IEnumerable<string> lines)
        {
            _lines = lines;
            Headers.ContentType = new("application/x-ndjson");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await using var writer = new StreamWriter(stream, new UTF8Encoding(false), bufferSize: 1 << 16, leaveOpen: true);
            foreach (var line in _lines)
            {
                await writer.WriteAsync(line);
                await writer.WriteAsync('\n');
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
