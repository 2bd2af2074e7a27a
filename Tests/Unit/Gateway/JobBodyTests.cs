using System.Text;
using CsCheck;
using Emu3.Gateway;
using Emu3.Gateway.Jobs;

namespace Emu3.Tests.Unit.Gateway;

[Trait("Suite", "Fast")]
public sealed class JobBodyTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ReadLines_BlankLinesAndCarriageReturns_ArePassedOver() =>
        Assert.Equal(["{}", "{\"a\":1}\r", "{\"b\":2}"], await Lines("{}\n\n{\"a\":1}\r\n  \n{\"b\":2}", 7));

    [Theory]
    [InlineData("\uFEFF\n{}\n\uFEFF{\"a\":1}", 1)]
    [InlineData("\uFEFF\r\n{}\r\n\uFEFF{\"a\":1}", 100)]
    public async Task ReadLines_ByteOrderMarks_AreNoLines(string text, int chunk) => Assert.Equal(2, (await Lines(text, chunk)).Count);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(100)]
    public async Task ReadDocument_ByteOrderMark_IsPassedOver(int chunk) =>
        Assert.Equal(["{\"seed\":1}", "2"], await Document("\uFEFF {\"seed\":1,\"items\":[2]}", chunk));

    [Fact]
    public async Task ReadDocument_FieldsAndItems_AreTheJobAndOnePartAnItem() => Assert.Equal(
        ["{\"model\" : \"m\",\"metadata\":{\"a\":\"]\"}}", "{\"p\":[1,{}]}", "2", "\"x\""],
        await Document("""  {"model" : "m", "metadata":{"a":"]"}, "items" : [ {"p":[1,{}]} , 2,"x"] } """, 3));

    [Fact]
    public async Task ReadDocument_NoItems_IsTheJobAlone() => Assert.Equal(["{\"seed\":1}"], await Document("""{"seed":1}""", 100));

    [Theory]
    [InlineData("""{"items":[1],"model":"m"}""", "must come last")]
    [InlineData("""{"items":{}}""", "array")]
    [InlineData("""[1]""", "object")]
    [InlineData("""{"items":[1""", "JSON")]
    [InlineData("""{"seed":1} x""", "JSON")]
    [InlineData("", "")]
    [InlineData("\uFEFF", "")]
    [InlineData("\uFEFF\uFEFFx", "JSON")]
    [InlineData("""{"seed":""", "")]
    public async Task ReadDocument_BadDocument_IsRefused(string text, string part)
    {
        var refusal = await Assert.ThrowsAsync<MalformedBodyException>(() => Document(text, 2));
        Assert.Equal(400, refusal.StatusCode);
        Assert.Contains(part, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"\\ud800\":1,\"items\":[1]}")]
    [InlineData("{\"items\":[1],\"\\ud800\":1}")]
    public async Task ReadDocument_NameThatIsNoText_IsRefused(string text) =>
        Assert.Contains("no Unicode text", (await Assert.ThrowsAsync<MalformedBodyException>(() => Document(text, 100))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"items":[1],"model":"m"}""", "items")]
    [InlineData("""{"items":{}}""", "items")]
    [InlineData("[1]", null)]
    public async Task ReadDocument_BadField_IsNamed(string text, string? param)
    {
        var response = FailureResponses.Of(await Assert.ThrowsAsync<MalformedBodyException>(() => Document(text, 100)));
        Assert.Equal((400, param), (response.Status, response.Body.Param));
    }

    /// <summary>However the network cuts the body, the parts are the same.</summary>
    [Fact]
    public void Read_AnyCuts_GiveTheSameParts() =>
        Gen.String[0, 40].Array[0, 12].Select(Gen.Int[1, 50], (texts, chunk) => (Items: texts.Select(text => System.Text.Json.JsonSerializer.Serialize(text)).ToArray(), Chunk: chunk))
            .Sample(x =>
            {
                string[] expected = ["{\"seed\":1}", .. x.Items];
                Assert.Equal(expected, Lines(string.Join('\n', expected), x.Chunk).GetAwaiter().GetResult());
                Assert.Equal(expected, Document($"{{\"seed\":1,\"items\":[{string.Join(',', x.Items)}]}}", x.Chunk).GetAwaiter().GetResult());
            });

    private static Task<List<string>> Lines(string text, int chunk) => Read(JobBody.ReadLines(new SlowStream(text, chunk), Cancellation));

    private static Task<List<string>> Document(string text, int chunk) => Read(JobBody.ReadDocument(new SlowStream(text, chunk), Cancellation));

    private static async Task<List<string>> Read(IAsyncEnumerable<ReadOnlyMemory<byte>> parts)
    {
        var read = new List<string>();
        await foreach (var part in parts) read.Add(Encoding.UTF8.GetString(part.Span));
        return read;
    }

    /// <summary>Gives a few bytes a read.</summary>
    private sealed class SlowStream(string text, int chunk) : MemoryStream(Encoding.UTF8.GetBytes(text))
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(chunk, buffer.Length)], cancellationToken);
    }
}
