using System.Net;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Emu3.Grains.Interfaces;

namespace Emu3.Cli;

/// <summary>
/// A gateway's API. Calls that may be repeated are repeated while it does not answer; refusals come as <see cref="GatewayRefusal"/>, and a gateway
/// that stays away as a <see cref="CommandException"/>.
/// </summary>
/// <param name="address">Root of the gateway.</param>
/// <param name="time">Clock of the waits between attempts.</param>
/// <param name="retryDelay">First wait between two attempts; null for a quarter of a second.</param>
/// <param name="tell">Gets a sentence when the gateway goes away, and one when it is back; null tells nobody.</param>
/// <param name="key">Key of the API; null to show none.</param>
internal sealed class GatewayClient(Uri address, TimeProvider time, TimeSpan? retryDelay = null, Action<string>? tell = null, string? key = null) : IDisposable
{
    private readonly GatewayHttp _http = new(address, time, tell ?? (_ => { }), key, retryDelay);

    public Uri Address => address;

    /// <summary>Whether the gateway says that it is ready for what it was started for.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        using var response = await _http.SendAsync(new(HttpMethod.Get, "health/ready"), HttpCompletionOption.ResponseContentRead, cancellationToken);
        return response.IsSuccessStatusCode;
    }

    /// <summary>What the gateway serves.</summary>
    public async Task<IReadOnlyList<ServedModel>> ModelsAsync(CancellationToken cancellationToken)
    {
        var list = await GetAsync<JsonObject>("v1/models", cancellationToken);
        return [.. list["data"]!.AsArray().Select(model => new ServedModel(
            model!["id"]!.GetValue<string>(), model["emu3"].Deserialize<ModelInfo>(CliJson.Wire)!, model["loaded"]?.GetValue<bool>() ?? true,
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
        return await ReadAsync<JobInfo>(response, cancellationToken);
    }

    /// <summary>Checks a job and says what it would take, without making it.</summary>
    public async Task<JobValidation> ValidateAsync(JsonObject job, IEnumerable<string> items, CancellationToken cancellationToken)
    {
        using var response = await PostLinesAsync("v1/jobs?validate=true", null, job, items, cancellationToken);
        return await ReadAsync<JobValidation>(response, cancellationToken);
    }

    /// <summary>A job, or null when the gateway does not have it.</summary>
    public async Task<JobInfo?> FindJobAsync(string job, CancellationToken cancellationToken)
    {
        using var response = await _http.SendPatientlyAsync(() => new(HttpMethod.Get, $"v1/jobs/{job}"), cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        await GatewayHttp.ThrowIfRefusedAsync(response, cancellationToken);
        return await ReadAsync<JobInfo>(response, cancellationToken);
    }

    /// <summary>Everything that happens to a job, to its end, from a cursor on, whatever happens to the connection.</summary>
    public IAsyncEnumerable<FollowedEvent> FollowAsync(string job, string? cursor, CancellationToken cancellationToken) =>
        new JobFollower(_http).FollowAsync(job, cursor, cancellationToken);

    /// <summary>Jobs, newest first, and where the next page begins.</summary>
    /// <param name="after">Where this page begins; null at the newest.</param>
    /// <param name="limit">Jobs at most, 100 at most.</param>
    /// <param name="status">Only those; null for all.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task<JobPage> JobsAsync(string? after, int limit, string? status, CancellationToken cancellationToken) => GetAsync<JobPage>(
        $"v1/jobs?limit={limit}{(after is null ? "" : $"&after={Uri.EscapeDataString(after)}")}{(status is null ? "" : $"&status={Uri.EscapeDataString(status)}")}", cancellationToken);

    /// <summary>Asks something of a job: <c>pause</c>, <c>resume</c>, <c>retry_failed</c>, <c>cancel</c>.</summary>
    /// <exception cref="GatewayRefusal">The job's state forbids it, or there is none.</exception>
    public Task<JobInfo> AskAsync(string job, string verb, CancellationToken cancellationToken) => PostAsync<JobInfo>($"v1/jobs/{job}/{verb}", null, cancellationToken);

    /// <summary>Changes what goes before what.</summary>
    /// <exception cref="GatewayRefusal">The job's state forbids it, or there is none.</exception>
    public Task<JobInfo> SetPriorityAsync(string job, string priority, CancellationToken cancellationToken) =>
        PostAsync<JobInfo>($"v1/jobs/{job}/priority", new() { ["priority"] = priority }, cancellationToken);

    /// <summary>Where a job's items are that have not ended, and why.</summary>
    public Task<JsonObject> DiagnoseAsync(string job, CancellationToken cancellationToken) => GetAsync<JsonObject>($"v1/jobs/{job}/diagnosis", cancellationToken);

    /// <summary>What runs the items.</summary>
    public async Task<IReadOnlyList<WorkerInfo>> WorkersAsync(CancellationToken cancellationToken) => (await GetAsync<WorkerPage>("v1/workers", cancellationToken)).Data;

    /// <summary>Gives a quarantined device work again.</summary>
    public async Task<IReadOnlyList<WorkerInfo>> ReleaseAsync(string device, CancellationToken cancellationToken) =>
        (await PostAsync<WorkerPage>($"v1/workers/{Uri.EscapeDataString(device)}/release", null, cancellationToken)).Data;

    /// <summary>The keys of the API, for an admin.</summary>
    public async Task<IReadOnlyList<KeyInfo>> KeysAsync(CancellationToken cancellationToken) => (await GetAsync<KeyPage>("v1/admin/keys", cancellationToken)).Data;

    /// <summary>Makes a key. Asked again when the answer got lost, it is the same key.</summary>
    public Task<KeyInfo> CreateKeyAsync(JsonObject key, CancellationToken cancellationToken) =>
        PostAsync<KeyInfo>("v1/admin/keys", key, cancellationToken, idempotencyKey: Guid.NewGuid().ToString("N"));

    /// <summary>Puts another secret in the place of a key's old one.</summary>
    public Task<KeyInfo> RotateKeyAsync(string id, CancellationToken cancellationToken) =>
        PostOnceAsync<KeyInfo>($"v1/admin/keys/{Uri.EscapeDataString(id)}/rotate", null, cancellationToken);

    /// <summary>A key opens nothing any more.</summary>
    public async Task<KeyInfo> RevokeKeyAsync(string id, CancellationToken cancellationToken)
    {
        using var response = await _http.SendPatientlyAsync(() => new(HttpMethod.Delete, $"v1/admin/keys/{Uri.EscapeDataString(id)}"), cancellationToken);
        await GatewayHttp.ThrowIfRefusedAsync(response, cancellationToken);
        return await ReadAsync<KeyInfo>(response, cancellationToken);
    }

    /// <summary>What webhooks of the caller's tenant are signed with.</summary>
    public Task<WebhookSecretInfo> WebhookSecretAsync(CancellationToken cancellationToken) => GetAsync<WebhookSecretInfo>("v1/webhooks/secret", cancellationToken);

    /// <summary>Puts another secret in its place; the old one signs along for a while. Asked once: asked again, there would be another.</summary>
    public Task<WebhookSecretInfo> RotateWebhookSecretAsync(CancellationToken cancellationToken) =>
        PostOnceAsync<WebhookSecretInfo>("v1/webhooks/secret/rotate", null, cancellationToken);

    /// <summary>Tells the end of a job again.</summary>
    /// <exception cref="GatewayRefusal">It has no webhook, has not ended, or is not there.</exception>
    public Task<JobInfo> RedeliverAsync(string job, CancellationToken cancellationToken) => PostAsync<JobInfo>($"v1/jobs/{job}/webhook/redeliver", null, cancellationToken);

    /// <summary>The bytes of an output's file, or null when the gateway has them no more.</summary>
    public async Task<byte[]?> ContentAsync(string job, int index, CancellationToken cancellationToken)
    {
        using var response = await _http.SendPatientlyAsync(() => new(HttpMethod.Get, $"v1/jobs/{job}/items/{index}/content"), cancellationToken);
        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone)
        {
            return null;
        }

        await GatewayHttp.ThrowIfRefusedAsync(response, cancellationToken);
        return await response.Content.ReadAsByteArrayAsync(cancellationToken);
    }

    /// <summary>Tells the gateway that an output's file is safe elsewhere.</summary>
    public Task ReleaseContentAsync(string job, int index, CancellationToken cancellationToken) => DeleteAsync($"v1/jobs/{job}/items/{index}/content", cancellationToken);

    /// <summary>Removes a job that has ended, with its files. One that is not there is no error.</summary>
    public Task DeleteJobAsync(string job, CancellationToken cancellationToken) => DeleteAsync($"v1/jobs/{job}", cancellationToken);

    /// <summary>Draws pictures while the caller waits; cancelled when it stops waiting.</summary>
    public async Task<JsonObject> DrawAsync(JsonObject request, CancellationToken cancellationToken)
    {
        using var response = await _http.SendOnceAsync(
            new(HttpMethod.Post, "v1/images/generations") { Content = JsonContent.Create(request) }, HttpCompletionOption.ResponseContentRead, cancellationToken);
        await GatewayHttp.ThrowIfRefusedAsync(response, cancellationToken);
        return await ReadAsync<JsonObject>(response, cancellationToken);
    }

    /// <summary>The pieces of an answer as they are written.</summary>
    public async IAsyncEnumerable<string> ChatAsync(JsonObject request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var response = await _http.SendOnceAsync(
            new(HttpMethod.Post, "v1/chat/completions") { Content = JsonContent.Create(request) }, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await GatewayHttp.ThrowIfRefusedAsync(response, cancellationToken);
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

    public void Dispose() => _http.Dispose();

    private async Task<T> GetAsync<T>(string path, CancellationToken cancellationToken)
    {
        using var response = await _http.SendPatientlyAsync(() => new(HttpMethod.Get, path), cancellationToken);
        await GatewayHttp.ThrowIfRefusedAsync(response, cancellationToken);
        return await ReadAsync<T>(response, cancellationToken);
    }

    private async Task<T> PostAsync<T>(string path, JsonObject? body, CancellationToken cancellationToken, string? idempotencyKey = null)
    {
        using var response = await _http.SendPatientlyAsync(() =>
        {
            var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = body is null ? null : JsonContent.Create(body) };
            if (idempotencyKey is not null) request.Headers.Add("Idempotency-Key", idempotencyKey);
            return request;
        }, cancellationToken);
        await GatewayHttp.ThrowIfRefusedAsync(response, cancellationToken);
        return await ReadAsync<T>(response, cancellationToken);
    }

    private async Task<T> PostOnceAsync<T>(string path, JsonObject? body, CancellationToken cancellationToken)
    {
        using var response = await _http.SendOnceAsync(
            new(HttpMethod.Post, path) { Content = body is null ? null : JsonContent.Create(body) }, HttpCompletionOption.ResponseContentRead, cancellationToken);
        await GatewayHttp.ThrowIfRefusedAsync(response, cancellationToken);
        return await ReadAsync<T>(response, cancellationToken);
    }

    private async Task DeleteAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await _http.SendPatientlyAsync(() => new(HttpMethod.Delete, path), cancellationToken);
        if (response.StatusCode != HttpStatusCode.NotFound)
        {
            await GatewayHttp.ThrowIfRefusedAsync(response, cancellationToken);
        }
    }

    private async Task<HttpResponseMessage> PostLinesAsync(
        string path, string? key, JsonObject job, IEnumerable<string> items, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new LinesContent(items.Prepend(job.ToJsonString())) };
            if (key is not null)
            {
                request.Headers.Add("Idempotency-Key", key);
            }

            string reason;
            try
            {
                var response = await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
                if (!GatewayHttp.IsLost(response.StatusCode) || attempt == GatewayHttp.Attempts)
                {
                    await ThrowOrKeepAsync(response, cancellationToken);
                    return response;
                }

                reason = $"it answered {(int)response.StatusCode}";
                response.Dispose();
            }
            catch (HttpRequestException e)
            {
                // The answer got lost: under its key the same request may be made again.
                reason = attempt < GatewayHttp.Attempts && e.InnerException is IOException or System.Net.Sockets.SocketException ? e.Message : throw _http.Away(e);
            }

            await _http.WaitAsync(attempt, reason, cancellationToken);
        }
    }

    private async Task ThrowOrKeepAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            await GatewayHttp.ThrowIfRefusedAsync(response, cancellationToken);
            _http.CameBack(response);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken) =>
        (await response.Content.ReadFromJsonAsync<T>(CliJson.Wire, cancellationToken))!;
}
