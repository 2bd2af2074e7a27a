using System.IO.Pipelines;
using Emu3.Gateway;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace Emu3.Tests.Unit.Gateway;

[Trait("Suite", "Fast")]
public sealed class IdleTimeoutBodyTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Pipe _client = new();
    private bool _isAborted;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Body_ThatStandsStill_Is408_HoweverMuchCameBefore()
    {
        await using var body = new IdleTimeoutBody(_client.Reader, _time, () => _isAborted = true);
        await _client.Writer.WriteAsync(new byte[1_000], Cancellation);
        Assert.Equal(1_000, await body.ReadAsync(new byte[2_000], Cancellation));
        _time.Advance(IdleTimeoutBody.LongestSilence); // between two reads it is ours to be slow

        var next = body.ReadAsync(new byte[2_000], Cancellation).AsTask();
        _time.Advance(IdleTimeoutBody.LongestSilence - TimeSpan.FromSeconds(1));
        Assert.False(next.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(408, (await Assert.ThrowsAsync<BadHttpRequestException>(() => next)).StatusCode);
    }

    [Fact]
    public async Task Body_IsReadAsItComes_ToItsEnd()
    {
        await using var body = new IdleTimeoutBody(_client.Reader, _time, () => _isAborted = true);
        await _client.Writer.WriteAsync(new byte[] { 1, 2, 3 }, Cancellation);
        await _client.Writer.CompleteAsync();
        var bytes = new byte[2];

        Assert.Equal(2, await body.ReadAsync(bytes, Cancellation));
        Assert.Equal([1, 2], bytes);
        Assert.Equal(1, await body.ReadAsync(bytes, Cancellation));
        Assert.Equal(0, await body.ReadAsync(bytes, Cancellation));
    }

    [Fact]
    public async Task Body_OfSomeoneWhoLeaves_IsCancelled()
    {
        await using var body = new IdleTimeoutBody(_client.Reader, _time, () => _isAborted = true);
        using var left = new CancellationTokenSource();
        var next = body.ReadAsync(new byte[1], left.Token).AsTask();
        await left.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
        Assert.False(_isAborted);
    }

    [Fact]
    public async Task Body_WhoseConnectionIsReset_EndsItsRequest()
    {
        await using var body = new IdleTimeoutBody(_client.Reader, _time, () => _isAborted = true);
        await _client.Writer.CompleteAsync(new ConnectionResetException("the client is gone"));

        await Assert.ThrowsAsync<ConnectionResetException>(() => body.ReadExactlyAsync(new byte[1], Cancellation).AsTask());
        Assert.True(_isAborted);
    }
}
