using System.Text;
using Emu3.Benchmarks.Fuzz;

namespace Emu3.Tests.Unit.Benchmarks.Fuzz;

[Trait("Suite", "Fast")]
public sealed class AnswerCheckTests
{
    private const string Named = """{"error":{"message":"n: must be.","type":"invalid_request_error","param":"n","code":null}}""";
    private const string Unnamed = """{"error":{"message":"must be.","type":"invalid_request_error","param":null,"code":null}}""";
    private const string OfTheBody = """{"error":{"message":"The body is not valid JSON.","type":"invalid_request_error","param":null,"code":null}}""";

    [Theory]
    [InlineData(200, "{}", FuzzOutcome.Success)]
    [InlineData(200, """data: {"error":{"message":"x","type":"server_error","param":null,"code":"internal_error"}}""", FuzzOutcome.ServerError)]
    [InlineData(304, "", FuzzOutcome.Success)]
    [InlineData(400, Named, FuzzOutcome.Refusal)]
    [InlineData(400, Unnamed, FuzzOutcome.Unnamed)]
    [InlineData(400, OfTheBody, FuzzOutcome.Unnamed)] // the body can be read: it is about a field of it
    [InlineData(404, Unnamed, FuzzOutcome.Refusal)]
    [InlineData(409, Named, FuzzOutcome.Malformed)]
    [InlineData(429, Named, FuzzOutcome.Malformed)] // without Retry-After
    [InlineData(400, """{"error":{"message":"x","type":"y","param":"z"}}""", FuzzOutcome.Malformed)]
    [InlineData(400, """{"detail":"x"}""", FuzzOutcome.Malformed)]
    [InlineData(400, "<html>", FuzzOutcome.Malformed)]
    [InlineData(500, Named, FuzzOutcome.ServerError)]
    [InlineData(503, Named, FuzzOutcome.ServerError)]
    internal void Judge_AnAnswerToAReadableBody(int status, string body, FuzzOutcome outcome) => Assert.Equal(outcome, AnswerCheck.Judge(Request(), Answer(status, body)));

    [Fact]
    public void Judge_AnErrorOfTheWholeBody_WhereItCannotBeRead_IsNamed() =>
        Assert.Equal(FuzzOutcome.Refusal, AnswerCheck.Judge(Request() with { HasReadableBody = false }, Answer(400, OfTheBody)));

    [Fact]
    public void Judge_ARefusalWithoutABody_IsTheServers_WhereHttpMayBeBroken_AndElseMalformed()
    {
        var bare = new FuzzAnswer(ExchangeEnd.Answered, 400, "HTTP/1.1 400 Bad Request\nContent-Length: 0\n", [], default);

        Assert.Equal(FuzzOutcome.Malformed, AnswerCheck.Judge(Request(), bare));
        Assert.Equal(FuzzOutcome.ParserRefusal, AnswerCheck.Judge(Request() with { MayBreakProtocol = true }, bare));
        Assert.Equal(FuzzOutcome.ServerError, AnswerCheck.Judge(Request(), bare with { Status = 505 }));
    }

    [Fact]
    public void Judge_NoAnswer_IsAViolation_UnlessTheClientCutOrBrokeIt()
    {
        var closed = new FuzzAnswer(ExchangeEnd.Closed, 0, "", [], default);

        Assert.Equal(FuzzOutcome.Unanswered, AnswerCheck.Judge(Request(), closed));
        Assert.Equal(FuzzOutcome.Cut, AnswerCheck.Judge(Request() with { MayBreakProtocol = true }, closed));
        Assert.Equal(FuzzOutcome.Cut, AnswerCheck.Judge(Request(), closed with { End = ExchangeEnd.Cut }));
        Assert.Equal(FuzzOutcome.Hang, AnswerCheck.Judge(Request(), closed with { End = ExchangeEnd.Hung }));
        Assert.Equal(FuzzOutcome.Crash, AnswerCheck.Judge(Request(), closed with { End = ExchangeEnd.NotConnected }));
    }

    [Fact]
    public void Verdict_IsClean_OnlyWithoutViolations()
    {
        var verdict = new FuzzVerdict();
        verdict.Add(Request(), FuzzOutcome.Success);
        verdict.Add(Request(), FuzzOutcome.Refusal);
        Assert.True(verdict.IsClean);
        Assert.Equal("2 requests: 2xx 1, 4xx 1, refused by the parser 0, cut 0; 5xx 0, crashes 0, hangs 0, unanswered 0, malformed errors 0, unnamed 0, failures inside 0, growth 0", verdict.ToString());

        verdict.AddInside(1);
        Assert.False(verdict.IsClean);
    }

    [Fact]
    public void Memory_ThatGrowsBeyondTheBound_IsTold_AndAShortRunSaysNothing()
    {
        Assert.Null(Watch(rounds: 100, grow: 0).Growth());
        Assert.Null(Watch(rounds: 10, grow: 50 << 20).Growth());
        Assert.Contains("resident memory of gateway grew from", Watch(rounds: 100, grow: 3 << 20).Growth(), StringComparison.Ordinal);
        Assert.Equal(30, MemoryReading.Heap("# HELP x\ndotnet_gc_last_collection_heap_size_bytes{gc_heap_generation=\"gen0\"} 10\ndotnet_gc_last_collection_heap_size_bytes{gc_heap_generation=\"loh\"} 2E1 1795562354000\nother 5\n"));

        static MemoryWatch Watch(int rounds, long grow)
        {
            var watch = new MemoryWatch("gateway");
            for (var round = 0; round < rounds; round++) watch.Add(new((200L << 20) + (round * grow), 50L << 20));
            return watch;
        }
    }

    private static FuzzRequest Request() => new(0, "POST /v1/x", [], [], SendEnd.Wait) { Method = "POST", MayBreakProtocol = false, HasReadableBody = true };

    private static FuzzAnswer Answer(int status, string body) => new(
        ExchangeEnd.Answered, status, $"HTTP/1.1 {status} X\nContent-Type: application/json; charset=utf-8\nx-request-id: req_1\n", Encoding.UTF8.GetBytes(body), default);
}
