using System.Text;
using System.Text.Json;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

#pragma warning disable OPENAI001 // the client calls its batches experimental

namespace Emu3.Tests.Cluster;

/// <summary>What stands in a batch's output, in which order, how large it is, and how long it is there.</summary>
public sealed partial class BatchEndpointTests
{
    [Fact]
    public async Task Batch_WithSeveralPicturesALine_AnswersEachRequestWhole()
    {
        // Thirty requests of ten pictures: one of them stands across two shards.
        var input = await UploadAsync([
            ImageLine("two", "a star", ",\"n\":2,\"seed\":5"), ImageLine("one", "a star"), ImageLine("inline", "a star", ",\"n\":3,\"response_format\":\"b64_json\""),
            ImageLine("sick", "sick", ",\"n\":2"), .. Enumerable.Range(0, 30).Select(line => ImageLine($"ten-{line}", "a star", ",\"n\":10"))]);
        var operation = await _batches.CreateBatchAsync(Body(input, Images), waitUntilCompleted: false, Options);
        var batch = await WaitAsync(operation.BatchId, "completed");

        Assert.Equal((34, 33, 1), Counts(batch));
        var output = await LinesAsync(batch.GetProperty("output_file_id").GetString()!);
        Assert.Equal(33, output.Count);
        Assert.All(output, line => Assert.Equal(line.Key.Split('-')[0] switch { "two" => 2, "inline" => 3, "ten" => 10, _ => 1 }, Data(line.Value).GetArrayLength()));
        Assert.Equal([0, 1], Data(output["two"]).EnumerateArray().Select(picture => picture.GetProperty("sample").GetInt32()));
        Assert.All(Data(output["inline"]).EnumerateArray(), picture => Assert.True(PictureHeader.TryRead(picture.GetProperty("b64_json").GetBytesFromBase64(), out _)));
        foreach (var picture in Data(output["ten-25"]).EnumerateArray())
            Assert.True(PictureHeader.TryRead((await _files.DownloadFileAsync(picture.GetProperty("file_id").GetString(), Cancellation)).Value.ToArray(), out _));
        Assert.Equal("sick", Assert.Single(await LinesAsync(batch.GetProperty("error_file_id").GetString()!)).Key);
        Assert.Equal(batch.GetProperty("usage").GetProperty("total_tokens").GetInt64(),
            output.Values.Sum(line => line.GetProperty("response").GetProperty("body").GetProperty("usage").GetProperty("total_tokens").GetInt64()));
    }

    [Fact]
    public async Task Output_ThatGrows_KeepsItsLinesWhereTheyWere()
    {
        var input = await UploadAsync([.. Enumerable.Range(0, 700).Select(line => ImageLine($"{line}", "a star", line % 3 == 0 ? ",\"n\":2" : ""))]);
        var id = (await _batches.CreateBatchAsync(Body(input, Images), waitUntilCompleted: false, Options)).BatchId;
        var seen = new List<string>();
        for (var hasEnded = false; !hasEnded;)
        {
            var batch = await _gateway.GetAsync($"/v1/batches/{id}");
            hasEnded = batch.GetProperty("status").GetString() == "completed";
            if (batch.GetProperty("output_file_id").GetString() is not { } file) continue;
            var now = (await TextAsync(file)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<JsonElement>(line).GetProperty("custom_id").GetString()!).ToList();
            Assert.Equal(seen, now.Take(seen.Count));
            seen = now;
        }

        Assert.Equal(Enumerable.Range(0, 700).Select(line => $"{line}").Order(), seen.Order());
    }

    [Fact]
    public async Task OutputFile_OfABatchThatHasEnded_TellsItsBytes_AndWhenItGoes()
    {
        var input = await UploadAsync(ImageLine("plain", "a star", ",\"n\":2"), ImageLine("sick", "sick"));
        var batch = await WaitAsync((await _batches.CreateBatchAsync(
            Body(input, Images, ",\"output_expires_after\":{\"anchor\":\"created_at\",\"seconds\":3600}"), waitUntilCompleted: false, Options)).BatchId, "completed");
        foreach (var kind in (string[])["output_file_id", "error_file_id"])
        {
            var file = await _gateway.GetAsync($"/v1/files/{batch.GetProperty(kind).GetString()}");
            Assert.Equal(Encoding.UTF8.GetByteCount(await TextAsync(file.GetProperty("id").GetString()!)), file.GetProperty("bytes").GetInt64());
            Assert.Equal(batch.GetProperty("completed_at").GetInt64() + 3600, file.GetProperty("expires_at").GetInt64());
        }

        // Pictures inside the lines are not read only to be counted: the first reading says how much they are.
        input = await UploadAsync(ImageLine("inline", "a star", ",\"response_format\":\"b64_json\""));
        batch = await WaitAsync((await _batches.CreateBatchAsync(Body(input, Images), waitUntilCompleted: false, Options)).BatchId, "completed");
        var output = batch.GetProperty("output_file_id").GetString()!;
        Assert.Equal(JsonValueKind.Null, (await _gateway.GetAsync($"/v1/files/{output}")).GetProperty("bytes").ValueKind);
        var text = await TextAsync(output);
        Assert.Equal(text.Length, (await _gateway.GetAsync($"/v1/files/{output}")).GetProperty("bytes").GetInt64());
    }

    [Fact]
    public async Task OutputFile_WhoseTimeIsOver_IsThereNoMore()
    {
        var info = new BatchInfo
        {
            Id = BatchId.Draw(),
            Tenant = "default",
            CreatedAt = TimeProvider.System.GetUtcNow(),
            InputFile = new(await UploadAsync(ImageLine("a", "a star"))),
            Endpoint = Images,
            Window = "24h",
            OutputLife = TimeSpan.FromTicks(1),
        };
        await _gateway.Cluster.Client.GetGrain<IBatch>(info.Id.Value).Create(info);

        var batch = await WaitAsync(info.Id.Value, "completed");
        Assert.Equal((1, 1, 0), Counts(batch));
        Assert.Equal(JsonValueKind.Null, batch.GetProperty("output_file_id").ValueKind);
        await _gateway.GetAsync($"/v1/files/{FileId.OutputOf(info.Id)}", 404);
        await _gateway.GetAsync($"/v1/files/{FileId.ItemOf(info.Id, 0)}/content", 404);
    }

    private async Task<string> TextAsync(string file) => await _gateway.Http.GetStringAsync($"/v1/files/{file}/content", Cancellation);

    private static JsonElement Data(JsonElement line) => line.GetProperty("response").GetProperty("body").GetProperty("data");
}
