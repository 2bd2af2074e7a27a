using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>Asks the gateway as a client that means well: makes what there is to ask about, and clears it away.</summary>
internal sealed class FuzzClient(Uri gateway, string key) : IDisposable
{
    private const int MaxPasses = 100;
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);
    private static readonly string[] s_ended = ["completed", "failed", "cancelled", "expired"];
    private readonly HttpClient _http = new() { BaseAddress = gateway, DefaultRequestHeaders = { Authorization = new("Bearer", key) } };

    public string Key => key;

    /// <summary>The answer as JSON. The body is Latin-1: a character for each byte.</summary>
    /// <exception cref="InvalidOperationException">The gateway refused it.</exception>
    public async Task<JsonElement> AskAsync(HttpMethod method, string path, string? body, CancellationToken cancellationToken, string type = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null) request.Content = new StringContent(body, Encoding.Latin1) { Headers = { ContentType = MediaTypeHeaderValue.Parse(type) } };
        using var answer = await _http.SendAsync(request, cancellationToken);
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"{method} {path}: {(int)answer.StatusCode} {text}");
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }

    /// <summary>Makes something and gives its id.</summary>
    public async Task<string> MakeAsync(string path, string body, CancellationToken cancellationToken, string type = "application/json") =>
        (await AskAsync(HttpMethod.Post, path, body, cancellationToken, type)).GetProperty("id").GetString()!;

    /// <summary>Asks for what may be refused: what it is about may have ended by now.</summary>
    public async Task TryAsync(HttpMethod method, string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path);
        using var answer = await _http.SendAsync(request, cancellationToken);
    }

    /// <summary>What is at a path, once its status is one of the last.</summary>
    public async Task<JsonElement> EndAsync(string path, CancellationToken cancellationToken)
    {
        while (true)
        {
            var now = await AskAsync(HttpMethod.Get, path, null, cancellationToken);
            if (s_ended.Contains(now.GetProperty("status").GetString())) return now;
            await Task.Delay(s_look, TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>Deletes all jobs and files of the key's tenant. Does its best: what does not end in time stays for the next clearing.</summary>
    public async Task ClearAsync(CancellationToken cancellationToken)
    {
        for (var pass = 0; pass < MaxPasses; pass++)
        {
            var jobs = (await AskAsync(HttpMethod.Get, "/v1/jobs?limit=100", null, cancellationToken)).GetProperty("data").EnumerateArray().ToList();
            if (jobs.Count == 0) break;
            await Parallel.ForEachAsync(jobs, cancellationToken, async (job, token) => await RemoveAsync(
                $"/v1/jobs/{job.GetProperty("id").GetString()}", s_ended.Contains(job.GetProperty("status").GetString()), token));
            if (jobs.Count < 100) await Task.Delay(s_look, TimeProvider.System, cancellationToken);
        }

        foreach (var purpose in (string[])["batch", "vision", "user_data"])
            foreach (var file in (await AskAsync(HttpMethod.Get, $"/v1/files?purpose={purpose}", null, cancellationToken)).GetProperty("data").EnumerateArray())
                await RemoveAsync($"/v1/files/{file.GetProperty("id").GetString()}", hasEnded: true, cancellationToken);
    }

    public async Task<string> ReadAsync(Uri address, CancellationToken cancellationToken) => await _http.GetStringAsync(address, cancellationToken);

    public void Dispose() => _http.Dispose();

    private Task RemoveAsync(string path, bool hasEnded, CancellationToken cancellationToken) =>
        hasEnded ? TryAsync(HttpMethod.Delete, path, cancellationToken) : TryAsync(HttpMethod.Post, $"{path}/cancel", cancellationToken);
}
