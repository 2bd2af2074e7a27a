using System.Text.Json.Nodes;
using Emu3.Cli.Batch.Plan;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Tests.Unit.Cli.Batch;

[Trait("Suite", "Fast")]
public sealed class InputReaderTests
{
    [Theory]
    [InlineData("a.jsonl", "x", "Jsonl")]
    [InlineData("a.NDJSON", "x", "Jsonl")]
    [InlineData("a.csv", "x", "Csv")]
    [InlineData("a.txt", "{\"prompt\":1}", "Text")]
    [InlineData("-", "\n  {\"prompt\": \"a\"}", "Jsonl")]
    [InlineData("-", "id,prompt\n1,a", "Csv")]
    [InlineData("-", "\"image\";\"question\"\nx;y", "Csv")]
    [InlineData("-", "a red star, glowing\na blue heart", "Text")]
    [InlineData("prompts", "prompt\na red star", "Csv")]
    public void Detect_NameElseFirstLine_TellsTheFormat(string name, string text, string format) =>
        Assert.Equal(format, InputReader.Detect(text, name).ToString());

    [Fact]
    public void Text_OnePromptALine_NumbersCountBlankLines()
    {
        var lines = InputReader.Read("a red star\r\n\r\n  a blue heart \n", "a.txt", InputFormat.Auto);
        Assert.Equal([(1, "1"), (3, "3")], lines.Select(line => (line.Number, line.Id)));
        Assert.Equal("a blue heart", Field(lines[1], "prompt"));
    }

    [Fact]
    public void Jsonl_OwnLines_KeepTheirFields_AndGetAnId()
    {
        var lines = InputReader.Read("""
            {"id": "star", "prompt": "a red star", "seed": 18446744073709551615, "n": 2}
            {"prompt": "a heart", "ratio": "4:3"}

            {"id": 7, "prompt": "a ring"}
            """, "a.jsonl", InputFormat.Auto);
        Assert.Equal(["star", "2", "7"], lines.Select(line => line.Id));
        Assert.Equal("18446744073709551615", Field(lines[0], "seed"));
        Assert.Equal("2", Field(lines[1], "id"));
        Assert.Equal("7", Field(lines[2], "id"));
        Assert.All(lines, line => Assert.Null(line.Error));
    }

    [Fact]
    public void Jsonl_NumbersOfPandas_AreIds() =>
        Assert.Equal(["7", "-1", "18446744073709551615"], InputReader.Read(
            "{\"id\":7.0,\"prompt\":\"a\"}\n{\"id\":-1,\"prompt\":\"a\"}\n{\"id\":18446744073709551615,\"prompt\":\"a\"}", "a.jsonl", InputFormat.Auto).Select(line => line.Id));

    /// <summary>Python writes U+2028 and U+0085 into strings as they are; they end no line.</summary>
    [Theory]
    [InlineData("\u2028")]
    [InlineData("\u2029")]
    [InlineData("\u0085")]
    public void Lines_EndWithLineFeeds_AndNotWithSeparatorsInsideText(string separator)
    {
        var jsonl = InputReader.Read($"{{\"prompt\":\"a{separator}b\"}}\r\n\uFEFF{{\"prompt\":\"c\"}}\r\n", "a.jsonl", InputFormat.Auto);
        Assert.Equal([(1, $"a{separator}b"), (2, "c")], jsonl.Select(line => (line.Number, Field(line, "prompt"))));
        Assert.Equal([$"a{separator}b", "c"], InputReader.Read($"a{separator}b\r\nc", "a.txt", InputFormat.Auto).Select(line => Field(line, "prompt")));
    }

    [Fact]
    public void Jsonl_OpenAiLine_PassesUnchanged()
    {
        const string line = """{"custom_id":"r1","method":"POST","url":"/v1/images/generations","body":{"prompt":"a red star","size":"64x64"}}""";
        var read = Assert.Single(InputReader.Read(line, "a.jsonl", InputFormat.Auto));
        Assert.Equal("r1", read.Id);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(line), JsonNode.Parse(read.Json!)));
    }

    [Fact]
    public void Jsonl_Line17Malformed_IsToldWithItsNumber_AndTheOthersAreRead()
    {
        var text = string.Join('\n', Enumerable.Range(1, 20).Select(i => i == 17 ? "{\"prompt\": \"a red" : $"{{\"prompt\": \"{i}\"}}"));
        var lines = InputReader.Read(text, "a.jsonl", InputFormat.Auto);
        Assert.Equal(20, lines.Count);
        var bad = Assert.Single(lines, line => line.Error is not null);
        Assert.Equal(17, bad.Number);
        Assert.Contains("not a JSON object", bad.Error);
    }

    [Theory]
    [InlineData("[1]", "not a JSON object")]
    [InlineData("\"text\"", "not a JSON object")]
    [InlineData("{\"prompt\":\"a\",\"prompt\":\"b\"}", "not a JSON object")]
    [InlineData("{\"id\":true,\"prompt\":\"a\"}", "id must be text")]
    [InlineData("{\"id\":\"\",\"prompt\":\"a\"}", "id is empty")]
    [InlineData("{\"prompt\":\"a\"} trailing", "not a JSON object")]
    public void Jsonl_BadLine_SaysWhatIsWrong(string line, string error) =>
        Assert.Contains(error, Assert.Single(InputReader.Read(line, "a.jsonl", InputFormat.Auto)).Error);

    [Fact]
    public void Read_SameIdTwice_SecondIsRefusedWithTheLineOfTheFirst()
    {
        var lines = InputReader.Read("{\"id\":\"a\",\"prompt\":\"x\"}\n{\"prompt\":\"y\"}\n{\"id\":\"a\",\"prompt\":\"z\"}", "a.jsonl", InputFormat.Auto);
        Assert.Null(lines[0].Error);
        Assert.Contains("\"a\" is the id of line 1", lines[2].Error);
    }

    [Fact]
    public void Read_NumberedIdMeetsAWrittenOne_IsRefused() =>
        Assert.NotNull(InputReader.Read("{\"id\":\"2\",\"prompt\":\"x\"}\n{\"prompt\":\"y\"}", "a.jsonl", InputFormat.Auto)[1].Error);

    [Fact]
    public void Csv_HeaderNamesFields_NumbersAreNumbers_EmptyCellsAreLeftOut()
    {
        var lines = InputReader.Read("id,Prompt,seed,guidance_scale,n\nstar,\"a big, red star\",7,1.5,\n,a heart,,,2\n", "a.csv", InputFormat.Auto);
        Assert.Equal([(2, "star"), (3, "3")], lines.Select(line => (line.Number, line.Id)));
        Assert.Equal("""{"id":"star","prompt":"a big, red star","seed":"7","guidance_scale":1.5}""", lines[0].Json);
        Assert.Equal("""{"id":"3","prompt":"a heart","n":2}""", lines[1].Json);
    }

    [Fact]
    public void Csv_LineNumbers_CountLinesInsideQuotesAndBlankOnes()
    {
        var lines = InputReader.Read("prompt\n\"one\ntwo\"\n\nthree\n", "a.csv", InputFormat.Auto);
        Assert.Equal([2, 5], lines.Select(line => line.Number));
        Assert.Equal("one\ntwo", Field(lines[0], "prompt"));
    }

    [Theory]
    [InlineData(",prompt,seed\n0,a red star,1\n1,a blue ring,2\n")]
    [InlineData("Unnamed: 0,prompt,seed\n0,a red star,1\n1,a blue ring,2\n")]
    [InlineData("prompt,seed,,\na red star,1,,\na blue ring,2,,\n")]
    [InlineData("prompt,seed\na red star,1,,\na blue ring,2\n,,\n,\n , \n")]
    [InlineData("prompt,seed\na red star,1.0\na blue ring,2.000\n")]
    public void Csv_WhatPandasAndSpreadsheetsAdd_IsNothing(string text)
    {
        var lines = InputReader.Read(text, "a.csv", InputFormat.Auto);
        Assert.Equal(["""{"id":"2","prompt":"a red star","seed":"1"}""", """{"id":"3","prompt":"a blue ring","seed":"2"}"""], lines.Select(line => line.Json));
    }

    [Fact]
    public void Csv_WholeNumbersAsFloats_KeepAllDigits()
    {
        var line = Assert.Single(InputReader.Read("prompt,n,seed,top_k,guidance_scale\na,2.0,18446744073709551615.0,1e3,3.0\n", "a.csv", InputFormat.Auto));
        Assert.Equal("""{"id":"2","prompt":"a","n":2,"seed":"18446744073709551615","top_k":1000,"guidance_scale":3}""", line.Json);
    }

    [Theory]
    [InlineData("7.0", "7")]
    [InlineData("-7.00", "-7")]
    [InlineData("1.8446744073709552e+19", "18446744073709552000")]
    [InlineData("1e+16", "10000000000000000")]
    [InlineData(" 12 ", "12")]
    [InlineData("7.5", null)]
    [InlineData("1e99", null)]
    [InlineData("seven", null)]
    [InlineData("", null)]
    public void WholeNumber_IsReadWhereNothingIsRounded(string text, string? digits) => Assert.Equal(digits, WholeNumber.Digits(text));

    [Theory]
    [InlineData("{\"prompt\":\"a \\ud800 star\"}")]
    [InlineData("{\"id\":\"\\udc00\",\"prompt\":\"a\"}")]
    [InlineData("{\"\\ud800\":1}")]
    public void Jsonl_HalfOfASurrogatePair_IsThatLinesError(string line)
    {
        var lines = InputReader.Read($"{{\"prompt\":\"a\"}}\n{line}", "a.jsonl", InputFormat.Auto).ToList();
        Assert.Null(lines[0].Error);
        Assert.Contains("half of a surrogate pair", lines[1].Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Jsonl_NumberedIdAsAFloat_IsItsWholeNumber() => Assert.Equal("7", Assert.Single(InputReader.Read("{\"id\":7.0,\"prompt\":\"a\"}", "a.jsonl", InputFormat.Auto)).Id);

    [Fact]
    public void Csv_SemicolonsOfASpreadsheet_AreFound()
    {
        var line = Assert.Single(InputReader.Read("\uFEFFid;prompt\r\n1;a red star, big\r\n", "a.csv", InputFormat.Auto));
        Assert.Equal("a red star, big", Field(line, "prompt"));
    }

    [Fact]
    public void Csv_OneColumn_CommasStayInThePrompt()
    {
        var line = Assert.Single(InputReader.Read("prompt\n\"a red star, big\"\n", "a.csv", InputFormat.Auto));
        Assert.Equal("a red star, big", Field(line, "prompt"));
    }

    [Theory]
    [InlineData("id,text\n1,a", 1, "names no column \"prompt\"")]
    [InlineData("prompt,prompt\n1,a", 1, "names the column \"prompt\" twice")]
    [InlineData("id,prompt\n1,a,b", 2, "has 3 cells, the header has 2")]
    [InlineData("id,prompt\nx\n", 2, "has 1 cells, the header has 2")]
    [InlineData("id,prompt,,\n1,a,,big", 2, "has \"big\" in a column without a name")]
    [InlineData("prompt,n\na,1.5", 2, "n must be a number, not \"1.5\"")]
    [InlineData("prompt,n\na,many", 2, "n must be a number, not \"many\"")]
    [InlineData("prompt,guidance_scale\na,NaN", 2, "guidance_scale must be a number")]
    [InlineData("id,prompt\n1,a \"big\" star", 2, "has a quote in the wrong place")]
    public void Csv_BadLine_SaysWhatIsWrong(string text, int number, string error)
    {
        var line = Assert.Single(InputReader.Read(text, "a.csv", InputFormat.Auto));
        Assert.Equal(number, line.Number);
        Assert.Contains(error, line.Error);
    }

    [Theory]
    [InlineData("a.jsonl")]
    [InlineData("a.csv")]
    [InlineData("a.txt")]
    public void Read_EmptyFile_HasNoItems(string name) => Assert.Empty(InputReader.Read("", name, InputFormat.Auto));

    private static string Field(InputLine line, string name) => JsonNode.Parse(line.Json!)![name]!.ToString();
}
