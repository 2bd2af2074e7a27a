using System.Text;
using System.Text.Json;
using Emu3.Benchmarks.Description;

namespace Emu3.Benchmarks.Fuzz.Document;

/// <summary>
/// Asks a gateway for everything that its OpenAPI document offers, with requests made from the document and from earlier answers, and holds every answer to
/// it: no status, header, type or field that is not declared; nothing allowed that is refused for its form; nothing forbidden that is accepted.
/// </summary>
/// <param name="gateway">Where it is.</param>
/// <param name="adminKey">A key that may do everything; null where none is asked for.</param>
/// <param name="userKey">A key that is no admin's; null where there is none.</param>
/// <param name="seed">Of the requests. What they ask about depends on the gateway's answers too.</param>
internal sealed class DocumentRun(Uri gateway, string? adminKey, string? userKey, int seed) : IDisposable
{
    /// <summary>So much of a stream is read.</summary>
    private static readonly TimeSpan s_streamPatience = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);

    /// <summary>Requests by someone who may not, or without a key.</summary>
    private const double StrangerShare = 0.06;
    private readonly HttpClient _http = new() { Timeout = Timeout.InfiniteTimeSpan };
    private readonly Random _random = new(seed);
    private readonly ApiNames _names = new();
    private readonly DocumentTally _tally = new();

    /// <summary>Runs so many requests; every operation has its turn.</summary>
    public async Task<DocumentTally> RunAsync(int count, CancellationToken cancellationToken)
    {
        var api = ApiDescription.Parse(await _http.GetStringAsync(new Uri(gateway, ApiDescription.Path), cancellationToken));
        var (rules, requests) = (new AnswerRules(api), new DocumentRequests(api, _names, _random));
        _tally.Begin(api.Operations);
        // What makes something comes first, so that there is something to ask about; what takes bodies can go wrong in more ways.
        ApiOperation[] turns = [.. api.Operations.SelectMany(operation => Enumerable.Repeat(operation, operation.Bodies.Count > 0 ? 4 : 1)), .. api.Operations.Where(Makes)];
        foreach (var operation in api.Operations.Where(operation => operation.Path == "/v1/models" || Makes(operation)).OrderBy(operation => operation.Path != "/v1/models"))
            for (var time = 0; time < 3; time++) await AskAsync(rules, requests.Make(operation), cancellationToken);
        while (_tally.RequestCount < count)
        {
            var operation = turns[_random.Next(turns.Length)];
            // Of a job that was just accepted, some more is asked while it runs.
            if (await AskAsync(rules, requests.Make(operation), cancellationToken) != 202) continue;
            ApiOperation[] inside = [.. api.Operations.Where(next => next.Path.StartsWith($"{operation.Path}/", StringComparison.Ordinal) && next.Method == "POST")];
            for (var time = 0; time < 3; time++) await AskAsync(rules, requests.Make(inside[_random.Next(inside.Length)]), cancellationToken);
        }

        return _tally;
    }

    public void Dispose() => _http.Dispose();

    private static bool Makes(ApiOperation operation) => operation.Method == "POST" && operation.Bodies.Count > 0 && !operation.Path.Contains('{', StringComparison.Ordinal);

    private async Task<int> AskAsync(AnswerRules rules, DocumentRequest request, CancellationToken cancellationToken)
    {
        var key = _random.NextDouble() >= StrangerShare ? adminKey : _random.Next(2) == 0 ? userKey : null;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_deadline);
        using var message = request.Write(gateway, key);
        using var answer = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        var status = (int)answer.StatusCode;
        _tally.Add(request, status);
        var path = request.Target.Split('?')[0];
        var head = rules.CheckHead(
            request.Operation.Method, Uri.UnescapeDataString(path), status, answer.Content.Headers.ContentType?.ToString(), name => answer.Headers.Contains(name) || answer.Content.Headers.Contains(name));
        Note(request, head.Departures);
        if (status >= 500 && !request.Operation.Path.StartsWith("/health", StringComparison.Ordinal)) Note(request, [$"{request.Operation.Name}: status {status}"]);
        if (rules.Stream(head) is { } stream)
        {
            await ReadAsync(answer, stream, request, cancellationToken);
            return status;
        }
        var body = await answer.Content.ReadAsByteArrayAsync(patience.Token);
        if (!request.IsAllowed && status < 400 && !IsRefusal(body)) Note(request, [$"{request.Operation.Name}: the document forbids the request, and it was accepted"]);
        Look(rules, head, request, status, body);
        return status;
    }

    /// <summary>A job that was only to be checked is refused line by line, with 200.</summary>
    private static bool IsRefusal(byte[] body) => Encoding.UTF8.GetString(body) is var text && text.Contains("\"job.validation\"", StringComparison.Ordinal) && !text.Contains("\"line_errors\":[]", StringComparison.Ordinal);

    private void Look(AnswerRules rules, AnswerHead head, DocumentRequest request, int status, byte[] body)
    {
        Note(request, rules.CheckBody(head, body));
        if (head.ContentType != AnswerRules.Json || body.Length == 0) return;
        using var json = JsonDocument.Parse(body);
        if (status < 300) _names.Learn(request.Operation.Path, json.RootElement);
        if (!request.IsAllowed || status is not (400 or 415)) return;
        _tally.AddReason(json.RootElement.GetProperty("error").GetProperty("message").GetString()!);
        if (RulesInWords.Unexplained(json.RootElement) is { } message) Note(request, [$"{request.Operation.Name}: the document allows the request, and it was refused: {message}"]);
    }

    private async Task ReadAsync(HttpResponseMessage answer, StreamRules rules, DocumentRequest request, CancellationToken cancellationToken)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        enough.CancelAfter(s_streamPatience);
        var buffer = new byte[16 << 10];
        try
        {
            await using var stream = await answer.Content.ReadAsStreamAsync(cancellationToken);
            while (await stream.ReadAsync(buffer, enough.Token) is > 0 and var count) Note(request, rules.Pass(buffer.AsSpan(0, count)));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return; // it lasts as long as its job
        }
        catch (IOException broken)
        {
            Note(request, [$"{request.Operation.Name}: the stream broke off: {broken.Message}"]);
        }
    }

    private void Note(DocumentRequest request, IEnumerable<string> departures)
    {
        foreach (var departure in departures) _tally.AddViolation($"{departure}\n    {request.Tell()}");
    }
}
