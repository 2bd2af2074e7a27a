using System.Text;
using Emu3.Gateway.Access;
using Emu3.Gateway.Contracts;

namespace Emu3.Gateway;

/// <summary>One event of a stream. Data is JSON without line breaks, or a word as <c>[DONE]</c>.</summary>
/// <param name="Data">The payload.</param>
/// <param name="Type">Name of the event; null for OpenAI's streams, which have none.</param>
/// <param name="Id">What a client sends back as <c>Last-Event-ID</c>; null leaves its last one as it was.</param>
internal readonly record struct ServerSentEvent(ReadOnlyMemory<byte> Data, string? Type = null, string? Id = null)
{
    public static ServerSentEvent Of<T>(T data, string? type = null, string? id = null) => new(GatewayJson.Write(data), type, id);
}

/// <summary>
/// Writes events as they come (HTML standard, 9.2). A comment every ten seconds keeps proxies from closing a quiet stream; when the gateway goes down,
/// clients are told to come back in a second, which they do with the id of the last event that they had.
/// </summary>
internal sealed class ServerSentEvents(IAsyncEnumerable<ServerSentEvent> events) : IResult
{
    public static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(10);

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        using var place = httpContext.RequestServices.GetRequiredService<OpenStreams>().Enter(httpContext.RequestServices.GetRequiredService<Caller>());
        if (place is null)
        {
            await FailureResponses.TooManyStreams().ExecuteAsync(httpContext);
            return;
        }

        // :: Step 8 The gateway streams events; where the client was, only the client knows.
        var time = httpContext.RequestServices.GetRequiredService<TimeProvider>();
        var stopping = httpContext.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        var response = httpContext.Response;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache, no-transform";
        response.Headers["X-Accel-Buffering"] = "no";
        await response.StartAsync(httpContext.RequestAborted);
        if (HttpMethods.IsHead(httpContext.Request.Method)) return;

        using var ends = CancellationTokenSource.CreateLinkedTokenSource(httpContext.RequestAborted, stopping);
        await using var source = events.GetAsyncEnumerator(ends.Token);
        var pending = Task.FromResult(false);
        try
        {
            while (true)
            {
                pending = source.MoveNextAsync().AsTask();
                if (!pending.IsCompleted) await response.Body.FlushAsync(ends.Token);
                while (!await CompletesWithin(pending, PingEvery, time, ends.Token))
                {
                    await response.Body.WriteAsync(": ping\n\n"u8.ToArray(), ends.Token);
                    await response.Body.FlushAsync(ends.Token);
                }
                if (!await pending) return;
                await response.Body.WriteAsync(Format(source.Current), ends.Token);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested && !httpContext.RequestAborted.IsCancellationRequested)
        {
            await response.Body.WriteAsync("retry: 1000\n\n"u8.ToArray(), httpContext.RequestAborted);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            // The status is out: the error is told as an event, in the shape that OpenAI's clients look for.
            var logger = httpContext.RequestServices.GetRequiredService<ILogger<ServerSentEvents>>();
            FailureResponses.Log(failure, httpContext, logger);
            await response.Body.WriteAsync(Format(ServerSentEvent.Of(FailureResponses.Of(failure).Answer, "error")), httpContext.RequestAborted);
        }
        finally
        {
            // An enumerator may only be disposed of between its steps.
            await ends.CancelAsync();
            await Task.WhenAny(pending);
        }
    }

    private static async Task<bool> CompletesWithin(Task task, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        if (task.IsCompleted) return true;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var first = await Task.WhenAny(task, Task.Delay(limit, time, enough.Token));
        await enough.CancelAsync();
        return first == task || cancellationToken.IsCancellationRequested;
    }

    internal static byte[] Format(ServerSentEvent item)
    {
        var head = new StringBuilder();
        if (item.Id is not null) head.Append("id: ").Append(item.Id).Append('\n');
        if (item.Type is not null) head.Append("event: ").Append(item.Type).Append('\n');
        return [.. Encoding.UTF8.GetBytes(head.Append("data: ").ToString()), .. item.Data.Span, (byte)'\n', (byte)'\n'];
    }
}
