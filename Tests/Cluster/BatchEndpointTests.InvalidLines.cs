using System.Text;
using System.Text.Json;
using Emu3.Gateway.Batches;
using Emu3.Grains.Interfaces;

#pragma warning disable OPENAI001 // the client calls its batches experimental

namespace Emu3.Tests.Cluster;

/// <summary>Batches whose invalid lines are told in the error file, while the others run.</summary>
public sealed partial class BatchEndpointTests
{
    private const string Report = ",\"on_invalid_line\":\"report\"";

    [Fact]
    public async Task InvalidLines_ThatAreReported_AreErrorsOfTheirOwn_AndTheOthersRun()
    {
        string[] lines =
        [
            "{nonsense", ImageLine("unknown", "a star").Replace("\"fake\"", "\"dall-e-3\"", StringComparison.Ordinal), ImageLine("one", "a star"), ImageLine("one", "a star"),
            ImageLine("wide", "a star", ",\"ratio\":\"wide\",\"steps\":4"), "", ImageLine("long", "too long"), ImageLine("two", "a star", ",\"n\":2"),
            ImageLine("chat", "a star").Replace(Images, Chat, StringComparison.Ordinal), ImageLine("sick", "sick"), "[1]", ImageLine("last", "a star"),
        ];
        var input = await UploadAsync(lines);
        var made = Json((await _batches.CreateBatchAsync(Body(input, Images, Report), waitUntilCompleted: false, Options)).GetRawResponse());
        Assert.Equal("report", made.GetProperty("on_invalid_line").GetString());
        var batch = await WaitAsync(made.GetProperty("id").GetString()!, "completed");

        Assert.Equal((11, 3, 8), Counts(batch));
        Assert.Equal(JsonValueKind.Null, batch.GetProperty("errors").ValueKind);
        Assert.Equal(5, (await _gateway.GetAsync($"/v1/jobs/{batch.GetProperty("job_id").GetString()}")).GetProperty("counts").GetProperty("total").GetInt32());
        Assert.Equal(["last", "one", "two"], (await LinesAsync(batch.GetProperty("output_file_id").GetString()!)).Keys.Order());

        var file = batch.GetProperty("error_file_id").GetString()!;
        var text = await TextAsync(file);
        Assert.Equal(Encoding.UTF8.GetByteCount(text), (await _gateway.GetAsync($"/v1/files/{file}")).GetProperty("bytes").GetInt64());
        var errors = text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<JsonElement>(line)).ToList();
        Assert.Equal([null, "unknown", "one", "wide", "long", "chat", null, "sick"], errors.Select(error => error.GetProperty("custom_id").GetString()));
        var digits = batch.GetProperty("id").GetString()!["batch_".Length..];
        Assert.Equal(new[] { 0, 1, 3, 4, 5, 7, 9, 8 }.Select(line => $"batch_req_{digits}_{line}"), errors.Select(error => error.GetProperty("id").GetString()));
        Assert.All(errors.SkipLast(1), error => Assert.Equal((400, JsonValueKind.Null), (error.GetProperty("response").GetProperty("status_code").GetInt32(), error.GetProperty("error").ValueKind)));
        var told = errors.Select(error => error.GetProperty("response").GetProperty("body").GetProperty("error")).ToList();
        Assert.Equal([null, "model", "custom_id", "ratio", "prompt", "url", null], told.SkipLast(1).Select(error => error.GetProperty("param").GetString()));
        Assert.StartsWith("Line 1: The line is not valid JSON", told[0].GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("ratio: must be two whole numbers", told[3].GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Contains("5000 tokens", told[4].GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvalidLines_AllOfThem_FailTheBatch_AndRunNothing()
    {
        var input = await UploadAsync([.. Enumerable.Range(0, 300).Select(line => ImageLine($"{line}", "a star").Replace(Images, "/v1/responses", StringComparison.Ordinal))]);
        var batch = await WaitAsync((await _batches.CreateBatchAsync(Body(input, Images, Report), waitUntilCompleted: false, Options)).BatchId, "failed");

        var errors = batch.GetProperty("errors").GetProperty("data");
        Assert.Equal(BatchCheck.MaxErrors, errors.GetArrayLength());
        Assert.Equal(("invalid_url", 1, "url"), (errors[0].GetProperty("code").GetString(), errors[0].GetProperty("line").GetInt32(), errors[0].GetProperty("param").GetString()));
        Assert.Equal(JsonValueKind.Null, batch.GetProperty("error_file_id").ValueKind);
        Assert.Null(await _gateway.Cluster.Blobs.ReadAsync(BlobKeys.RefusedLines("default", new BatchId(batch.GetProperty("id").GetString()!).Job), Cancellation));
    }

    [Fact]
    public async Task InvalidLines_OfQuestions_AreReported_WhetherThereIsOneOutputALineOrMore()
    {
        string Question(string id, string messages) => $$$"""{"custom_id":"{{{id}}}","method":"POST","url":"/v1/chat/completions","body":{"model":"fake","messages":{{{messages}}},"max_tokens":3}}""";
        var input = await UploadAsync(Question("a", "[{\"role\":\"user\",\"content\":\"What is this?\"}]"), Question("b", "[]"), Question("c", "[{\"role\":\"user\",\"content\":\"What is this?\"}]"));
        var batch = await WaitAsync((await _batches.CreateBatchAsync(Body(input, Chat, Report), waitUntilCompleted: false, Options)).BatchId, "completed");

        Assert.Equal((3, 2, 1), Counts(batch));
        Assert.Equal((3, 2, 1), Counts((await _gateway.GetAsync("/v1/batches?limit=100")).GetProperty("data").EnumerateArray().First(one => one.GetProperty("id").GetString() == batch.GetProperty("id").GetString())));
        Assert.Equal(["a", "c"], (await LinesAsync(batch.GetProperty("output_file_id").GetString()!)).Keys.Order());
        var refused = Assert.Single(await LinesAsync(batch.GetProperty("error_file_id").GetString()!));
        Assert.Equal(("b", "messages"), (refused.Key, refused.Value.GetProperty("response").GetProperty("body").GetProperty("error").GetProperty("param").GetString()));

        // The files go with the job.
        using (await _gateway.Http.DeleteAsync($"/v1/jobs/{batch.GetProperty("job_id").GetString()}", Cancellation))
            Assert.Null(await _gateway.Cluster.Blobs.ReadAsync(BlobKeys.RefusedLines("default", new BatchId(batch.GetProperty("id").GetString()!).Job), Cancellation));
    }

    /// <summary>What one gateway found before it died holds for the next: items are numbered by what is left.</summary>
    [Fact]
    public async Task InvalidLines_ThatWereFoundBefore_StayAsTheyWereFound()
    {
        var info = new BatchInfo
        {
            Id = BatchId.Draw(),
            Tenant = "default",
            CreatedAt = TimeProvider.System.GetUtcNow(),
            InputFile = new(await UploadAsync(ImageLine("a", "a star"), ImageLine("b", "a star"), ImageLine("c", "a star"))),
            Endpoint = Images,
            Window = "24h",
            ReportsInvalidLines = true,
        };
        await new RefusedLines(_gateway.Cluster.Blobs).Write(info, [new(2, "b", "It was wrong then.", "prompt", "invalid_request")], Cancellation);
        await _gateway.Cluster.Client.GetGrain<IBatch>(info.Id.Value).Create(info);

        var batch = await WaitAsync(info.Id.Value, "completed");
        Assert.Equal((3, 2, 1), Counts(batch));
        Assert.Equal(["a", "c"], (await LinesAsync(batch.GetProperty("output_file_id").GetString()!)).Keys.Order());
        var refused = Assert.Single(await LinesAsync(batch.GetProperty("error_file_id").GetString()!));
        Assert.Contains("It was wrong then.", refused.Value.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OnInvalidLine_IsAPartOfTheRequest_AndOneOfTwoWords()
    {
        var input = await UploadAsync(ImageLine("a", "a star"));
        string Text(string more) => $$"""{"input_file_id":"{{input}}","endpoint":"{{Images}}","completion_window":"24h"{{more}}}""";
        var key = Guid.NewGuid().ToString();
        var made = await PostAsync("/v1/batches", Text(""), 200, key);
        Assert.False(made.TryGetProperty("on_invalid_line", out _));
        Assert.Equal(made.GetProperty("id").GetString(), (await PostAsync("/v1/batches", Text(",\"on_invalid_line\":\"fail\""), 200, key)).GetProperty("id").GetString());
        await PostAsync("/v1/batches", Text(Report), 422, key);
        Assert.Equal("on_invalid_line", (await PostAsync("/v1/batches", Text(",\"on_invalid_line\":\"skip\""), 400)).GetProperty("error").GetProperty("param").GetString());
    }
}
