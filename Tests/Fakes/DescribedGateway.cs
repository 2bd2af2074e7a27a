using System.Collections.Concurrent;
using System.Text;
using Emu3.Benchmarks.Description;
using Emu3.Gateway.Reference;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Emu3.Tests.Fakes;

/// <summary>
/// Stands before everything else in a gateway under test and holds each of its answers to the gateway's own OpenAPI document, whoever asks: tests, official
/// clients, the command line, a browser. Answers pass as they are written; <see cref="AssertNoDepartures"/> fails the test whose gateway said something else.
/// </summary>
internal sealed class DescribedGateway : IStartupFilter
{
    private const int ClientClosedRequest = 499;
    private static Task<AnswerRules>? s_rules;
    private readonly ConcurrentQueue<string> _departures = new();

    /// <summary>The rules of the document that this program's gateways have.</summary>
    public static Task<AnswerRules> RulesOf(IServiceProvider gateway) => s_rules ??= ReadAsync(gateway);

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use((http, inner) => WatchAsync(http, inner, app.ApplicationServices));
        next(app);
    };

    /// <summary>Once the gateway has ended: nothing that it said is other than its document says.</summary>
    public void AssertNoDepartures() => Assert.True(
        _departures.IsEmpty, $"The gateway departs from its OpenAPI document:\n{string.Join('\n', _departures.Distinct().Take(20))}");

    private static async Task<AnswerRules> ReadAsync(IServiceProvider gateway)
    {
        var (content, _) = await gateway.GetRequiredService<ApiDocument>().Written;
        return new(ApiDescription.Parse(Encoding.UTF8.GetString(content)));
    }

    private async Task WatchAsync(HttpContext http, RequestDelegate next, IServiceProvider services)
    {
        var (method, path) = (http.Request.Method, http.Request.Path.Value ?? "");
        var rules = await RulesOf(services);
        if (!AnswerRules.Covers(path) || IsPreflight(http.Request))
        {
            await next(http);
            return;
        }

        var body = new CopyingStream(http.Response.Body, rules);
        http.Response.Body = body;
        http.Response.OnStarting(() =>
        {
            // For the access log alone: whoever asked is gone.
            if (http.Response.StatusCode == ClientClosedRequest) return Task.CompletedTask;
            var headers = http.Response.Headers;
            body.Begin(rules.CheckHead(method, path, http.Response.StatusCode, headers.ContentType.Count == 0 ? null : headers.ContentType.ToString(), headers.ContainsKey));
            return Task.CompletedTask;
        });
        http.Response.OnCompleted(() =>
        {
            foreach (var departure in body.End(isWhole: !http.RequestAborted.IsCancellationRequested)) _departures.Enqueue(departure);
            return Task.CompletedTask;
        });
        await next(http);
    }

    /// <summary>A question of a browser about an operation (CORS, Fetch standard 4.8), and no operation itself.</summary>
    private static bool IsPreflight(HttpRequest request) => HttpMethods.IsOptions(request.Method) && request.Headers.ContainsKey("Access-Control-Request-Method");

    /// <summary>Passes on what is written, at once, and looks at it.</summary>
    private sealed class CopyingStream(Stream inner, AnswerRules rules) : Stream
    {
        private readonly List<string> _found = [];
        private readonly MemoryStream _whole = new();
        private AnswerHead? _head;
        private StreamRules? _parts;

        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public void Begin(AnswerHead head)
        {
            (_head, _parts) = (head, rules.Stream(head));
            _found.AddRange(head.Departures);
        }

        public List<string> End(bool isWhole)
        {
            if (isWhole && _head is { } head) _found.AddRange(rules.CheckBody(head, _whole.ToArray()));
            return _found;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await inner.WriteAsync(buffer, cancellationToken);
            Look(buffer.Span);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Write(byte[] buffer, int offset, int count)
        {
            inner.Write(buffer, offset, count);
            Look(buffer.AsSpan(offset, count));
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override void Flush() => inner.Flush();
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();

        private void Look(ReadOnlySpan<byte> bytes)
        {
            if (_parts is not null) _found.AddRange(_parts.Pass(bytes));
            else if (_head is { ContentType: AnswerRules.Json, Schema: not null }) _whole.Write(bytes);
        }
    }
}
