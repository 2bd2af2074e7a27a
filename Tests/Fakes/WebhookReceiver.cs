using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;
using StandardWebhooks;

namespace Emu3.Tests.Fakes;

/// <summary>What notices are sent to: keeps all that comes, and answers as a test wants.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly Channel<ReceivedWebhook> _coming = Channel.CreateUnbounded<ReceivedWebhook>();
    private int _count;

    private WebhookReceiver(WebApplication server) => _server = server;

    /// <summary>All that has come, in order.</summary>
    public ConcurrentQueue<ReceivedWebhook> Received { get; } = [];

    public Uri Address => new(_server.Urls.Single());

    /// <summary>Answers the n-th notice (from 1); 200 unless it sets something else.</summary>
    public Func<int, HttpContext, Task> Answer { get; set; } = (_, _) => Task.CompletedTask;

    public static async Task<WebhookReceiver> StartAsync(string address = "127.0.0.1", int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(string.Create(CultureInfo.InvariantCulture, $"http://{address}:{port}"));
        var server = builder.Build();
        var receiver = new WebhookReceiver(server);
        server.Run(receiver.ReceiveAsync);
        await server.StartAsync();
        return receiver;
    }

    /// <summary>Answers every notice with a status.</summary>
    public void AnswerWith(params HttpStatusCode[] statuses) => Answer = (number, http) =>
    {
        http.Response.StatusCode = (int)statuses[Math.Min(number, statuses.Length) - 1];
        return Task.CompletedTask;
    };

    /// <summary>The next notice that was not taken from here yet.</summary>
    public async Task<ReceivedWebhook> NextAsync()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        return await _coming.Reader.ReadAsync(patience.Token);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task ReceiveAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        var received = new ReceivedWebhook(http.Request.Path, await reader.ReadToEndAsync(http.RequestAborted), new HeaderDictionary(new Dictionary<string, StringValues>(http.Request.Headers, StringComparer.OrdinalIgnoreCase)));
        var number = Interlocked.Increment(ref _count);
        Received.Enqueue(received);
        _coming.Writer.TryWrite(received);
        await Answer(number, http);
    }
}

/// <summary>A notice as it came.</summary>
internal sealed record ReceivedWebhook(string Path, string Body, HeaderDictionary Headers)
{
    public string Id => Headers["webhook-id"].ToString();

    public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Body);

    public string Type => Json.GetProperty("type").GetString()!;

    /// <summary>Throws unless the secret has signed it a short while ago.</summary>
    public void Verify(string secret) => new StandardWebhook(secret).Verify(Body, Headers);
}
