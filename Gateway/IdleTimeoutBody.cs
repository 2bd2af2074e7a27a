using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Emu3.Gateway;

/// <summary>
/// A request's body that ends its request when no byte comes for too long. Kestrel's own limit is an average over the request: whoever has sent much at
/// once could rest on it for an hour, with the connection and what was read held for him. A client that resets its connection ends its request too:
/// Kestrel would go on to drain what can't be read, and log that as an error of ours.
/// </summary>
/// <param name="inner">The body as the server reads it; not completed here.</param>
/// <param name="time">Measures the silence.</param>
/// <param name="abort">Ends the request.</param>
internal sealed class IdleTimeoutBody(PipeReader inner, TimeProvider time, Action abort) : BodyStream
{
    /// <summary>So long a body may stand still.</summary>
    public static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(30);

    /// <summary>As middleware.</summary>
    public static Task Use(HttpContext http, RequestDelegate next)
    {
        http.Request.Body = new IdleTimeoutBody(http.Request.BodyReader, http.RequestServices.GetRequiredService<TimeProvider>(), http.Abort);
        return next(http);
    }

    /// <exception cref="BadHttpRequestException">408: nothing came.</exception>
    /// <exception cref="ConnectionResetException">The client is gone.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // Neither by a token: a reader that was cancelled so is of no use to the server any more, which still has an answer to send or a body to drain.
        await using var patience = time.CreateTimer(_ => EndRead(), null, LongestSilence, Timeout.InfiniteTimeSpan);
        await using var end = cancellationToken.UnsafeRegister(_ => EndRead(), null);
        var read = await ReadInnerAsync();
        var taken = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, buffer.Length));
        taken.CopyTo(buffer.Span);
        var count = (int)taken.Length;
        inner.AdvanceTo(taken.End);
        if (count > 0 || !read.IsCanceled) return count;
        cancellationToken.ThrowIfCancellationRequested();
        throw new BadHttpRequestException($"nothing of it came for {LongestSilence.TotalSeconds:0} s.", StatusCodes.Status408RequestTimeout);
    }

    private async ValueTask<ReadResult> ReadInnerAsync()
    {
        try
        {
            return await inner.ReadAsync(CancellationToken.None);
        }
        catch (ConnectionResetException)
        {
            abort();
            throw;
        }
    }

    private void EndRead()
    {
        try
        {
            inner.CancelPendingRead();
        }
        catch (Exception aborted) when (aborted is OperationCanceledException or IOException)
        {
            // The request was aborted, and the read ends with that.
        }
    }
}
