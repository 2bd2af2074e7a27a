using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Emu3.Grains.Interfaces;
using Microsoft.Extensions.Options;

namespace Emu3.Grains.Webhooks;

/// <summary>
/// Makes one try to bring a notice to its receiver: no proxy, no redirects, no cookies, no trace of ours in the headers; of the answer only the status and
/// <c>Retry-After</c> are looked at, and nothing of its body is kept or told to anyone.
/// </summary>
public sealed class WebhookSender : IDisposable
{
    private const int MaxDrained = 64 << 10;
    private const int MaxHeaderKilobytes = 16;

    private readonly HttpMessageInvoker _http;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;

    public WebhookSender(IOptions<WebhookOptions> options, HostResolver resolve, TimeProvider time)
    {
        (_timeout, _time) = (options.Value.Timeout, time);
        var connector = new GuardedConnector(new WebhookRules(options.Value).Addresses, resolve);
        _http = new(new SocketsHttpHandler
        {
            ConnectCallback = (context, cancellationToken) => connector.ConnectAsync(context.DnsEndPoint, cancellationToken),
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            MaxResponseHeadersLength = MaxHeaderKilobytes,
            MaxResponseDrainSize = MaxDrained,
            ResponseDrainTimeout = TimeSpan.FromSeconds(1),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
        });
    }

    /// <summary>What became of it; everything that a receiver can do wrong is an answer.</summary>
    /// <exception cref="OperationCanceledException">The silo stops.</exception>
    public async Task<DeliveryAnswer> SendAsync(WebhookNotice notice, WebhookSecretSet secrets, CancellationToken stopping)
    {
        using var patience = new CancellationTokenSource(_timeout, _time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, stopping);
        try
        {
            using var request = RequestFor(notice, secrets, _time.GetUtcNow());
            using var response = await _http.SendAsync(request, ending.Token);
            return DeliveryAnswer.Of((int)response.StatusCode, RetryAfterOf(response.Headers.RetryAfter));
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            return DeliveryAnswer.None(string.Create(CultureInfo.InvariantCulture, $"The receiver did not answer within {_timeout.TotalSeconds} s."));
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            return DeliveryAnswer.None(ReasonOf(failure));
        }
    }

    public void Dispose() => _http.Dispose();

    private static HttpRequestMessage RequestFor(WebhookNotice notice, WebhookSecretSet secrets, DateTimeOffset now)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(notice.Url)) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(notice.Body)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("Emu3-Webhooks", null));
        request.Headers.Add("webhook-id", notice.EventId);
        request.Headers.Add("webhook-timestamp", now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("webhook-signature", WebhookSignature.Of(notice, now, secrets));
        return request;
    }

    private TimeSpan? RetryAfterOf(RetryConditionHeaderValue? header) => header?.Delta ?? (header?.Date is { } date ? date - _time.GetUtcNow() : null);

    private static string ReasonOf(Exception failure)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case AddressRefusedException refused: return refused.Message;
                case AuthenticationException: return "The receiver's certificate is not valid for its name, or its TLS is not spoken here.";
                case SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain }: return "The receiver's name is not known.";
                case SocketException { SocketErrorCode: SocketError.ConnectionRefused }: return "The receiver refused the connection.";
                case SocketException: return "The receiver could not be reached.";
            }
        }

        return failure is HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded }
            ? $"The head of the receiver's answer is longer than {MaxHeaderKilobytes} KiB."
            : "The receiver broke the connection off, or does not speak HTTP.";
    }
}
