using System.Text;
using Emu3.Gateway.Access;
using Emu3.Gateway.Contracts;

namespace Emu3.Gateway;

/// <summary>One event of a stream. Data is JSON without line breaks, or a word as <c>[DONE]</c>.</summary>
/// <param name="Data">The payload.</param>
/// <param name="Type">Name of the event; null for OpenAI's streams, which have none.</param>
/// <param name="Id">What a client sends back as <c>Last-Event-ID</c>; null leaves its last one as it was.</param>
/// <param name="IsEnd">The answer is complete with it.</param>
internal readonly record struct ServerSentEvent(ReadOnlyMemory<byte> Data, string? Type = null, string? Id = null, bool IsEnd = false)
{
    public static ServerSentEvent Of<T>(T data, string? type = null, string? id = null) => new(GatewayJson.Write(data), type, id);
}

/// <summary>
/// Writes events as they come (HTML standard, 9.2). A comment every ten seconds keeps proxies from closing a quiet stream. There are two kinds of streams,
/// which differ in how they end early:
/// <list type="bullet">
/// <item>A client can resume a stream of a job or an item with the id of the last event that it had. When the gateway stops, the stream is told to be
/// resumed in a second (<c>retry</c>), and ends.</item>
/// <item>An OpenAI stream can't be resumed, and a client must not take half an answer for a whole one. Whatever ends it before its last event, the client
/// is sent an error event, and then the connection is aborted: OpenAI's client for .NET ignores error events, and every HTTP client reports a body that
/// breaks off.</item>
/// </list>
/// </summary>
internal sealed class ServerSentEvents : IResult
{
    public static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(10);

    /// <summary>The server does not tell when it has sent what was written, and an abort may throw away what it has not.</summary>
    private static readonly TimeSpan s_sendTime = TimeSpan.FromMilliseconds(250);

    private readonly IAsyncEnumerable<ServerSentEvent> _events;
    private readonly bool _isResumable;

    private ServerSentEvents(IAsyncEnumerable<ServerSentEvent> events, bool isResumable) => (_events, _isResumable) = (events, isResumable);

    /// <summary>A stream that honours <c>Last-Event-ID</c>.</summary>
    /// <param name="place">The stream's place, which was taken before anything else was done for the request.</param>
    /// <param name="events">From where the client was.</param>
    public static ServerSentEvents Resumable(StreamPlace place, IAsyncEnumerable<ServerSentEvent> events)
    {
        ArgumentNullException.ThrowIfNull(place);
        return new(events, isResumable: true);
    }

    /// <summary>An OpenAI stream: complete with the event that <see cref="ServerSentEvent.IsEnd"/> marks, and broken off without it.</summary>
    /// <param name="place">The stream's place, which was taken before anything else was done for the request.</param>
    /// <param name="events">The whole answer, or an error as the last event.</param>
    public static ServerSentEvents Complete(StreamPlace place, IAsyncEnumerable<ServerSentEvent> events)
    {
        ArgumentNullException.ThrowIfNull(place);
        return new(events, isResumable: false);
    }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        // :: Step 8 The gateway streams events; where the client was, only the client knows.
        var time = httpContext.RequestServices.GetRequiredService<TimeProvider>();
        var drain = httpContext.RequestServices.GetRequiredService<GatewayDrain>();
        var response = httpContext.Response;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache, no-transform";
        response.Headers["X-Accel-Buffering"] = "no";
        await response.StartAsync(httpContext.RequestAborted);
        if (HttpMethods.IsHead(httpContext.Request.Method)) return;

        using var ends = CancellationTokenSource.CreateLinkedTokenSource(httpContext.RequestAborted, _isResumable ? drain.Started : CancellationToken.None);
        await using var source = _events.GetAsyncEnumerator(ends.Token);
        var pending = Task.FromResult(false);
        var isComplete = false;
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
                if (!await pending) break;
                await response.Body.WriteAsync(Format(source.Current), ends.Token);
                isComplete = source.Current.IsEnd;
            }
            if (!_isResumable && !isComplete) await BreakOff(httpContext, null, time); // the error is the last event already
        }
        catch (OperationCanceledException) when (_isResumable && drain.Started.IsCancellationRequested && !httpContext.RequestAborted.IsCancellationRequested)
        {
            await response.Body.WriteAsync("retry: 1000\n\n"u8.ToArray(), httpContext.RequestAborted);
        }
        catch (OperationCanceledException) when (!_isResumable && drain.Deadline.IsCancellationRequested)
        {
            await BreakOff(httpContext, FailureResponses.CutOff(), time);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            // The status is out: the error is told as an event, in the shape that OpenAI's clients look for.
            FailureResponses.Log(failure, httpContext, httpContext.RequestServices.GetRequiredService<ILogger<ServerSentEvents>>());
            var told = FailureResponses.Of(failure);
            if (_isResumable) await response.Body.WriteAsync(FormatError(told), httpContext.RequestAborted);
            else await BreakOff(httpContext, told, time);
        }
        finally
        {
            // An enumerator may only be disposed of between its steps.
            await ends.CancelAsync();
            await Task.WhenAny(pending);
        }
    }

    /// <summary>Tells what went wrong, where that was not told yet, and aborts the connection: the body has no proper end.</summary>
    private static async Task BreakOff(HttpContext http, FailureResponse? failure, TimeProvider time)
    {
        using var patience = new CancellationTokenSource(s_sendTime, time); // a client that does not read is not waited for
        try
        {
            if (failure is not null) await http.Response.Body.WriteAsync(FormatError(failure), patience.Token);
            await http.Response.Body.FlushAsync(patience.Token);
            await Task.Delay(s_sendTime, time, CancellationToken.None);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            // Aborted all the same.
        }
        finally
        {
            http.Abort();
        }
    }

    private static byte[] FormatError(FailureResponse failure) => Format(ServerSentEvent.Of(failure.Answer, "error"));

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
