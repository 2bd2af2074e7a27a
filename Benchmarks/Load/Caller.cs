using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Emu3.Benchmarks.Load;

/// <summary>Asks a gateway for pictures and jobs over HTTP, and says exactly what came back.</summary>
internal sealed class Caller(Uri gateway) : IDisposable
{
    /// <summary>How often OpenAI's clients come back by themselves.</summary>
    public const int MaxRetries = 2;

    public const int ItemsOfJob = 5;

    private readonly HttpClient _http = new() { BaseAddress = gateway, Timeout = TimeSpan.FromMinutes(5) };

    /// <summary>Waits for one picture.</summary>
    public Task<Answer> DrawAsync(int number, CancellationToken cancellationToken) => AskAsync(
        "/v1/images/generations", $$"""{"prompt":"load {{number}}","guidance_scale":1,"seed":{{number}}}""", "application/json",
        answer => answer.GetProperty("data")[0].GetProperty("b64_json").GetBytesFromBase64().Length > 0 ? "" : null, cancellationToken);

    /// <summary>Submits a job; what is told is its id.</summary>
    public Task<Answer> SubmitAsync(int itemCount, string prompt, CancellationToken cancellationToken) => AskAsync(
        "/v1/jobs", string.Join('\n', Enumerable.Range(0, itemCount).Select(item => $$"""{"prompt":"{{prompt}} {{item}}","guidance_scale":1}""").Prepend("{}")), "application/x-ndjson",
        answer => answer.GetProperty("id").GetString(), cancellationToken);

    /// <summary>Does it again after each refusal's <c>Retry-After</c>, while <see cref="MaxRetries"/> allows.</summary>
    public static async Task<(Answer Last, IReadOnlyList<Answer> Refusals)> RetryAsync(Func<Task<Answer>> ask, CancellationToken cancellationToken)
    {
        var refusals = new List<Answer>();
        while (true)
        {
            var answer = await ask();
            if (answer.RetryAfter is not { } wait || refusals.Count == MaxRetries) return (answer, refusals);
            refusals.Add(answer);
            await Task.Delay(wait, TimeProvider.System, cancellationToken);
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<Answer> AskAsync(string path, string body, string contentType, Func<JsonElement, string?> read, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            using var content = new StringContent(body, Encoding.UTF8, contentType);
            using var response = await _http.PostAsync(path, content, cancellationToken);
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            var elapsed = Stopwatch.GetElapsedTime(started);
            if (response.StatusCode == HttpStatusCode.TooManyRequests && response.Headers.RetryAfter?.Delta is { } wait) return new(elapsed) { RetryAfter = wait };
            if (!response.IsSuccessStatusCode) return new(elapsed) { Problem = $"{(int)response.StatusCode}: {text}" };
            using var answer = JsonDocument.Parse(text);
            return read(answer.RootElement) is { } told ? new(elapsed) { Told = told } : new(elapsed) { Problem = $"not what was asked for: {text}" };
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new(Stopwatch.GetElapsedTime(started)) { Problem = failure.Message };
        }
    }
}

/// <summary>What one request came to.</summary>
/// <param name="Elapsed">Until the whole answer was there.</param>
internal sealed record Answer(TimeSpan Elapsed)
{
    /// <summary>It was done; with the id of a job.</summary>
    public string? Told { get; init; }

    /// <summary>It was refused with 429, and this is when to come back.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Anything else.</summary>
    public string? Problem { get; init; }
}
