using Emu3.Benchmarks.Description;

namespace Emu3.Tests.Fakes;

/// <summary>A client of gateways in other processes, which holds every answer to the document that the gateway itself gives.</summary>
internal sealed class DescribedHttp : DelegatingHandler
{
    private AnswerRules? _rules;

    private DescribedHttp() : base(new SocketsHttpHandler())
    {
    }

    /// <summary>A client that waits as long as its caller does.</summary>
    public static HttpClient Client(Uri? address = null) => new(new DescribedHttp()) { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        var (method, path) = (request.Method.Method, request.RequestUri!.AbsolutePath);
        _rules ??= await ReadAsync(request.RequestUri, cancellationToken);
        if (!AnswerRules.Covers(path)) return response;
        var head = _rules.CheckHead(
            method, Uri.UnescapeDataString(path), (int)response.StatusCode, response.Content.Headers.ContentType?.ToString(), name => response.Headers.Contains(name) || response.Content.Headers.Contains(name));
        Assert.Empty(head.Departures);
        if (head is { ContentType: AnswerRules.Json, Schema: not null }) Assert.Empty(_rules.CheckBody(head, await response.Content.ReadAsByteArrayAsync(cancellationToken)));
        if (_rules.Stream(head) is not { } parts) return response;
        var watched = new StreamContent(new WatchedStream(await response.Content.ReadAsStreamAsync(cancellationToken), parts));
        foreach (var (name, values) in response.Content.Headers) watched.Headers.TryAddWithoutValidation(name, values);
        response.Content = watched;
        return response;
    }

    private async Task<AnswerRules> ReadAsync(Uri gateway, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(gateway, ApiDescription.Path));
        using var response = await base.SendAsync(request, cancellationToken);
        return new(ApiDescription.Parse(await response.Content.ReadAsStringAsync(cancellationToken)));
    }

    /// <summary>Looks at what is read, when it is read.</summary>
    private sealed class WatchedStream(Stream inner, StreamRules parts) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await inner.ReadAsync(buffer, cancellationToken);
            Assert.Empty(parts.Pass(buffer.Span[..count]));
            return count;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read it asynchronously.");
        public override void Flush() => inner.Flush();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
