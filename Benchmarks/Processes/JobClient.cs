using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Emu3.Cli;

namespace Emu3.Benchmarks.Processes;

/// <summary>
/// A client as a careful user writes it: submits under a key and repeats until it is answered, follows a job's events and comes back with the last id
/// that it had, to another gateway when one does not answer. Knows nothing of the cluster but its HTTP addresses.
/// </summary>
/// <param name="gateways">Where to ask.</param>
/// <param name="key">Shown with every request; null where the gateways want none.</param>
internal sealed class JobClient(IReadOnlyList<Uri> gateways, string? key = null) : IDisposable
{
    /// <summary>Longer than the gateways' pings are apart.</summary>
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan s_answer = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(2) })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        DefaultRequestHeaders = { Authorization = key is null ? null : new("Bearer", key) },
    };

    private int _gateway;

    /// <summary>How often a call or a stream broke off and was taken up again.</summary>
    public int InterruptionCount { get; private set; }

    /// <summary>Submits lines (the job object first, then an item each) under a key until the job is accepted.</summary>
    /// <returns>The job's id.</returns>
    public async Task<string> SubmitAsync(string key, IEnumerable<string> lines, CancellationToken cancellationToken)
    {
        var body = Encoding.UTF8.GetBytes(string.Join('\n', lines));
        using var answer = await SendAsync(gateway =>
        {
            var request = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway, "/v1/jobs"))
            {
                Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/x-ndjson") } },
            };
            request.Headers.Add("Idempotency-Key", key);
            return request;
        }, TimeSpan.FromMinutes(1), cancellationToken);
        using var job = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(cancellationToken));
        return job.RootElement.GetProperty("id").GetString()!;
    }

    /// <summary>The job object.</summary>
    public Task<JsonElement> GetJobAsync(string job, CancellationToken cancellationToken) => GetJsonAsync($"/v1/jobs/{job}", cancellationToken);

    /// <summary>Ends what has not ended.</summary>
    public Task CancelAsync(string job, CancellationToken cancellationToken) => DoAsync(job, "cancel", cancellationToken);

    /// <summary>Puts back what runs, with its tokens, and begins nothing more of the job.</summary>
    public Task PauseAsync(string job, CancellationToken cancellationToken) => DoAsync(job, "pause", cancellationToken);

    /// <summary>Goes on with a job that was paused.</summary>
    public Task ResumeAsync(string job, CancellationToken cancellationToken) => DoAsync(job, "resume", cancellationToken);

    /// <summary>All outcomes, as the pages of results tell them.</summary>
    public async IAsyncEnumerable<SeenOutcome> ReadResultsAsync(string job, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var (after, hasMore) = ("", true); hasMore;)
        {
            var page = await GetJsonAsync($"/v1/jobs/{job}/results?limit=1000&after={after}", cancellationToken);
            foreach (var outcome in page.GetProperty("data").EnumerateArray()) yield return SeenOutcome.From(outcome);
            (after, hasMore) = (page.GetProperty("next").GetString()!, page.GetProperty("has_more").GetBoolean());
        }
    }

    /// <summary>The file that an item gave; null when there is none.</summary>
    public async Task<byte[]?> ReadFileAsync(string job, int item, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(
            gateway => new HttpRequestMessage(HttpMethod.Get, new Uri(gateway, $"/v1/jobs/{job}/items/{item}/content")), s_answer, cancellationToken, mayBeAbsent: true);
        return answer.IsSuccessStatusCode ? await answer.Content.ReadAsByteArrayAsync(cancellationToken) : null;
    }

    /// <summary>
    /// Follows a job to its end through every interruption. Each event is handed over once, as it came; the last has the type <c>done</c>.
    /// </summary>
    /// <param name="job">The job.</param>
    /// <param name="take">Gets each event, one at a time.</param>
    /// <param name="cancellationToken">Stops following.</param>
    /// <param name="after">Id of the last event that was seen before; empty from the start.</param>
    public async Task FollowAsync(string job, Action<SeenEvent> take, CancellationToken cancellationToken, string after = "")
    {
        while (true)
        {
            var gateway = Gateway;
            try
            {
                await foreach (var seen in ReadEventsAsync(gateway, job, after, cancellationToken))
                {
                    if (seen.Type == "error") throw new HttpRequestException($"The gateway broke off: {seen.Data}");
                    after = seen.Id ?? after;
                    take(seen);
                    if (seen.Type == "done") return;
                }
            }
            catch (Exception interruption) when (IsInterruption(interruption, cancellationToken))
            {
                LeaveGateway(gateway);
            }

            InterruptionCount++;
            await Task.Delay(s_pause, TimeProvider.System, cancellationToken);
        }
    }

    public async Task<JsonElement> GetJsonAsync(string path, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(gateway => new HttpRequestMessage(HttpMethod.Get, new Uri(gateway, path)), s_answer, cancellationToken);
        using var document = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(cancellationToken));
        return document.RootElement.Clone();
    }

    public void Dispose() => _http.Dispose();

    private async Task DoAsync(string job, string verb, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(gateway => new HttpRequestMessage(HttpMethod.Post, new Uri(gateway, $"/v1/jobs/{job}/{verb}")), s_answer, cancellationToken);
    }

    private Uri Gateway => gateways[_gateway % gateways.Count];

    private async IAsyncEnumerable<SeenEvent> ReadEventsAsync(
        Uri gateway, string job, string after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(gateway, $"/v1/jobs/{job}/events"));
        if (after.Length > 0) request.Headers.Add("Last-Event-ID", after);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_answer);
        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        patience.CancelAfter(Timeout.InfiniteTimeSpan);
        answer.EnsureSuccessStatusCode();
        await using var stream = new IdleTimeoutStream(await answer.Content.ReadAsStreamAsync(cancellationToken), s_silence);
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(cancellationToken))
            yield return new(string.IsNullOrEmpty(item.EventId) ? null : item.EventId, item.EventType, item.Data);
    }

    /// <summary>Asks one gateway after the other until one answers with something that lasts.</summary>
    private async Task<HttpResponseMessage> SendAsync(
        Func<Uri, HttpRequestMessage> make, TimeSpan limit, CancellationToken cancellationToken, bool mayBeAbsent = false)
    {
        while (true)
        {
            var gateway = Gateway;
            try
            {
                using var request = make(gateway);
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                patience.CancelAfter(limit);
                var answer = await _http.SendAsync(request, patience.Token);
                if (answer.IsSuccessStatusCode || (mayBeAbsent && answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone)) return answer;
                using (answer)
                {
                    var text = await answer.Content.ReadAsStringAsync(cancellationToken);
                    if ((int)answer.StatusCode is not (>= 500 or 429 or 408)) throw new InvalidOperationException($"{request.Method} {request.RequestUri} was refused: {text}");
                }
            }
            catch (Exception interruption) when (IsInterruption(interruption, cancellationToken))
            {
                // Another gateway may do better.
            }

            LeaveGateway(gateway);
            InterruptionCount++;
            await Task.Delay(s_pause, TimeProvider.System, cancellationToken);
        }
    }

    private void LeaveGateway(Uri gateway)
    {
        if (gateway == Gateway) Interlocked.Increment(ref _gateway);
    }

    private static bool IsInterruption(Exception exception, CancellationToken cancellationToken) =>
        exception is HttpRequestException or IOException or TimeoutException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested);
}

/// <summary>A server-sent event as it came.</summary>
internal readonly record struct SeenEvent(string? Id, string Type, string Data);
