using System.Net;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace Emu3.Cli;

/// <summary>
/// HTTP to a gateway that may be killed and started again meanwhile. Requests that may be repeated are, the whole of them until the last byte of the
/// answer; a gateway that stays away for more than a minute is told as a <see cref="CommandException"/>. That it is away, and that it is back, is told once each.
/// </summary>
internal sealed class GatewayHttp : IDisposable
{
    /// <summary>Attempts to reach a gateway: with the waits between them, over a minute.</summary>
    public const int Attempts = 20;

    /// <summary>Attempts at one that has never answered: it may be the wrong address.</summary>
    private const int FirstAttempts = 6;

    private static readonly TimeSpan s_usualWait = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_longestWait = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly TimeSpan _firstWait;
    private readonly Action<string> _tell;
    private readonly ResiliencePipeline<HttpResponseMessage> _retries;
    private volatile bool _hasAnswered;
    private int _isAway;

    /// <param name="address">Root of the gateway.</param>
    /// <param name="time">Clock of the waits between attempts.</param>
    /// <param name="tell">Gets a sentence when the gateway goes away, and one when it is back.</param>
    /// <param name="key">Key of the API; null to show none.</param>
    /// <param name="firstWait">First wait between two attempts; null for a quarter of a second.</param>
    public GatewayHttp(Uri address, TimeProvider time, Action<string> tell, string? key, TimeSpan? firstWait)
    {
        (_time, _tell, _firstWait) = (time, tell, firstWait ?? s_usualWait);
        _http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 64, PooledConnectionLifetime = TimeSpan.FromMinutes(10) })
        {
            BaseAddress = address,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        if (key is not null)
        {
            _http.DefaultRequestHeaders.Authorization = new("Bearer", key);
        }

        _retries = new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = time }.AddRetry(new HttpRetryStrategyOptions
        {
            MaxRetryAttempts = Attempts,
            ShouldHandle = attempt => ValueTask.FromResult(
                HttpClientResiliencePredicates.IsTransient(attempt.Outcome) && attempt.AttemptNumber < (_hasAnswered ? Attempts : FirstAttempts)),
            Delay = _firstWait,
            MaxDelay = s_longestWait,
            BackoffType = DelayBackoffType.Exponential,
            OnRetry = retry =>
            {
                WentAway(retry.Outcome.Exception?.Message ?? $"it answered {(int)retry.Outcome.Result!.StatusCode}");
                return default;
            },
        }).Build();
    }

    public Uri Address => _http.BaseAddress!;

    /// <summary>Sends a request again and again until it is answered in whole.</summary>
    /// <param name="makeRequest">Makes the request, anew for each attempt.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="CommandException">The gateway stays away.</exception>
    public async Task<HttpResponseMessage> SendPatientlyAsync(Func<HttpRequestMessage> makeRequest, CancellationToken cancellationToken)
    {
        try
        {
            // With the content read inside, an answer that is cut off counts as none.
            var response = await _retries.ExecuteAsync(
                async token => await SendAsync(makeRequest(), HttpCompletionOption.ResponseContentRead, token), cancellationToken);
            CameBack(response);
            return response;
        }
        catch (HttpRequestException e)
        {
            throw Away(e);
        }
    }

    /// <summary>Sends a request once.</summary>
    /// <exception cref="CommandException">The gateway does not answer.</exception>
    public async Task<HttpResponseMessage> SendOnceAsync(HttpRequestMessage request, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        try
        {
            return await SendAsync(request, completion, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw Away(e);
        }
    }

    /// <summary>Sends a request once; failures are the caller's.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        using (request)
        {
            return await _http.SendAsync(request, completion, cancellationToken);
        }
    }

    /// <summary>An attempt failed, and another follows: waits for it.</summary>
    /// <param name="attempt">Attempts so far without an answer.</param>
    /// <param name="reason">Why it failed.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task WaitAsync(int attempt, string reason, CancellationToken cancellationToken)
    {
        WentAway(reason);
        var wait = TimeSpan.FromTicks(Math.Min(s_longestWait.Ticks, _firstWait.Ticks << Math.Clamp(attempt - 1, 0, 10)));
        return Task.Delay(wait, _time, cancellationToken);
    }

    /// <summary>An answer came.</summary>
    public void CameBack(HttpResponseMessage response)
    {
        _hasAnswered |= !IsLost(response.StatusCode);
        if (!IsLost(response.StatusCode) && Interlocked.Exchange(ref _isAway, 0) == 1)
        {
            _tell($"The gateway at {Address} answers again.");
        }
    }

    public CommandException Away(Exception cause) => CommandException.NotStarted($"The gateway at {Address} does not answer: {cause.Message}", cause);

    public static async Task ThrowIfRefusedAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode)
        {
            throw GatewayRefusal.Read(response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
        }
    }

    /// <summary>Whether a failed request is a gateway that went down, and not one that understood and refused.</summary>
    public static bool IsLost(HttpStatusCode status) => (int)status >= 500;

    public void Dispose() => _http.Dispose();

    private void WentAway(string reason)
    {
        if (Interlocked.Exchange(ref _isAway, 1) == 0)
        {
            _tell($"The gateway at {Address} does not answer ({reason.TrimEnd('.')}); it is tried again.");
        }
    }
}
