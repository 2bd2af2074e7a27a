using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using System.Text.Json;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Inference;
using Emu3.Tests.Fakes;
using OpenAI;
using OpenAI.Batch;
using OpenAI.Files;
using FilePurpose = OpenAI.Files.FilePurpose;

#pragma warning disable OPENAI001 // the client calls its batches experimental

namespace Emu3.Tests.Cluster;

/// <summary>Files and batches with OpenAI's own client, unmodified.</summary>
[Trait("Suite", "Cluster")]
public sealed partial class BatchEndpointTests(BatchEndpointTests.Running running) : IClassFixture<BatchEndpointTests.Running>
{
    private const string Images = "/v1/images/generations";
    private const string Chat = "/v1/chat/completions";
    private readonly GatewayCluster _gateway = running.Gateway;
    private readonly OpenAIFileClient _files = running.Client.GetOpenAIFileClient();
    private readonly BatchClient _batches = running.Client.GetBatchClient();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static RequestOptions Options => new() { CancellationToken = Cancellation };

    [Fact]
    public async Task Batch_OfPictures_GivesOutputAndErrors_ForTheClient()
    {
        var input = await UploadAsync(
            ImageLine("plain", "a star"), ImageLine("inline", "a moon", ",\"response_format\":\"b64_json\""), "", ImageLine("sick", "sick"));
        var operation = await _batches.CreateBatchAsync(Body(input, Images, ",\"metadata\":{\"who\":\"me\"}"), waitUntilCompleted: false, Options);
        Assert.Equal("batch", Json(operation.GetRawResponse()).GetProperty("object").GetString());
        var batch = await WaitAsync(operation.BatchId, "completed");

        Assert.Equal((3, 2, 1), Counts(batch));
        Assert.Equal(("fake", "me"), (batch.GetProperty("model").GetString(), batch.GetProperty("metadata").GetProperty("who").GetString()));
        Assert.True(batch.GetProperty("usage").GetProperty("output_tokens").GetInt32() > 0);
        Assert.True(batch.GetProperty("completed_at").GetInt64() >= batch.GetProperty("in_progress_at").GetInt64());
        Assert.Equal(JsonValueKind.Null, batch.GetProperty("expires_at").ValueKind);
        var output = await LinesAsync(batch.GetProperty("output_file_id").GetString()!);
        Assert.Equal(["inline", "plain"], output.Keys.Order());
        var plain = output["plain"].GetProperty("response").GetProperty("body").GetProperty("data")[0];
        Assert.False(plain.TryGetProperty("b64_json", out _));
        Assert.True(PictureHeader.TryRead(await _gateway.Http.GetByteArrayAsync(plain.GetProperty("url").GetString(), Cancellation), out _));
        Assert.True(PictureHeader.TryRead((await _files.DownloadFileAsync(plain.GetProperty("file_id").GetString(), Cancellation)).Value.ToArray(), out _));
        var inline = output["inline"].GetProperty("response").GetProperty("body").GetProperty("data")[0];
        Assert.True(PictureHeader.TryRead(inline.GetProperty("b64_json").GetBytesFromBase64(), out _));
        var sick = Assert.Single(await LinesAsync(batch.GetProperty("error_file_id").GetString()!));
        Assert.Equal("sick", sick.Key);
        Assert.True(sick.Value.GetProperty("response").GetProperty("status_code").GetInt32() >= 400);
        Assert.True(sick.Value.GetProperty("response").GetProperty("body").TryGetProperty("error", out _));

        // Its files are files like any other.
        var made = (await _files.GetFilesAsync(FilePurpose.BatchOutput, Cancellation)).Value.Select(file => file.Id).ToList();
        Assert.Contains(batch.GetProperty("output_file_id").GetString(), made);
        Assert.Equal(FilePurpose.BatchOutput, (await _files.GetFileAsync(batch.GetProperty("error_file_id").GetString(), Cancellation)).Value.Purpose);
        await _files.DeleteFileAsync(batch.GetProperty("error_file_id").GetString(), Cancellation);
        Assert.Equal(JsonValueKind.Null, (await BatchAsync(operation.BatchId)).GetProperty("error_file_id").ValueKind);

        // And the batch is a job.
        Assert.Equal("completed", (await _gateway.GetAsync($"/v1/jobs/{batch.GetProperty("job_id").GetString()}")).GetProperty("status").GetString());
        using (await _gateway.Http.DeleteAsync($"/v1/jobs/{batch.GetProperty("job_id").GetString()}", Cancellation))
            await _gateway.GetAsync($"/v1/batches/{operation.BatchId}", 404);
    }

    [Fact]
    public async Task Batch_OfQuestions_GivesAnswers()
    {
        var input = await UploadAsync(
            """{"custom_id":"q","method":"POST","url":"/v1/chat/completions","body":{"model":"fake","max_tokens":4,"messages":[{"role":"user","content":"Hi"}]}}""");
        var operation = await _batches.CreateBatchAsync(Body(input, Chat), waitUntilCompleted: false, Options);
        var batch = await WaitAsync(operation.BatchId, "completed");

        var body = (await LinesAsync(batch.GetProperty("output_file_id").GetString()!))["q"].GetProperty("response").GetProperty("body");
        Assert.Equal("w0 w1 w2 w3 ", body.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Equal(JsonValueKind.Null, batch.GetProperty("error_file_id").ValueKind);
        Assert.Equal(body.GetProperty("usage").GetProperty("total_tokens").GetInt64(), batch.GetProperty("usage").GetProperty("total_tokens").GetInt64());
    }

    [Fact]
    public async Task Batch_OfResponses_GivesResponses()
    {
        const string Responses = "/v1/responses";
        var input = await UploadAsync("""{"custom_id":"q","method":"POST","url":"/v1/responses","body":{"model":"fake","max_output_tokens":4,"input":"Hi"}}""");
        var batch = await WaitAsync((await _batches.CreateBatchAsync(Body(input, Responses), waitUntilCompleted: false, Options)).BatchId, "completed");

        var body = (await LinesAsync(batch.GetProperty("output_file_id").GetString()!))["q"].GetProperty("response").GetProperty("body");
        Assert.Equal(("response", "incomplete"), (body.GetProperty("object").GetString(), body.GetProperty("status").GetString()));
        Assert.Equal("w0 w1 w2 w3 ", body.GetProperty("output")[0].GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Equal(body.GetProperty("usage").GetProperty("total_tokens").GetInt64(), batch.GetProperty("usage").GetProperty("total_tokens").GetInt64());

        var wrong = await UploadAsync("""{"custom_id":"q","method":"POST","url":"/v1/responses","body":{"model":"fake","messages":[{"role":"user","content":"Hi"}]}}""");
        var failed = await WaitAsync((await _batches.CreateBatchAsync(Body(wrong, Responses), waitUntilCompleted: false, Options)).BatchId, "failed");
        Assert.Equal(["body.input", "body.messages"], failed.GetProperty("errors").GetProperty("data").EnumerateArray().Select(error => error.GetProperty("param").GetString()).Order());
    }

    [Fact]
    public async Task Batch_WithWrongLines_Fails_NamesThemAll_AndRunsNothing()
    {
        var input = await UploadAsync(
            ImageLine("a", "a star"), ImageLine("a", "a star"), ImageLine("b", "a star", ",\"ratio\":\"wide\""), "{nonsense", ImageLine("c", "too long"), ImageLine("d", "a star").Replace(Images, Chat, StringComparison.Ordinal));
        var batch = await WaitAsync((await _batches.CreateBatchAsync(Body(input, Images), waitUntilCompleted: false, Options)).BatchId, "failed");

        var errors = batch.GetProperty("errors").GetProperty("data").EnumerateArray().Select(error => (error.GetProperty("line").GetInt32(), error.GetProperty("param").GetString())).ToList();
        Assert.Contains((2, "custom_id"), errors);
        Assert.Contains((3, "body.ratio"), errors);
        Assert.Contains((4, null), errors);
        Assert.Contains((5, "prompt"), errors);
        Assert.Contains((6, "url"), errors);
        Assert.Equal((0, 0, 0), Counts(batch));
        Assert.Equal(JsonValueKind.Null, batch.GetProperty("job_id").ValueKind);
        await _gateway.GetAsync($"/v1/jobs/{new BatchId(batch.GetProperty("id").GetString()!).Job}", 404);
    }

    [Fact]
    public async Task Batch_OfAModelThatIsNotThere_Fails()
    {
        var input = await UploadAsync(ImageLine("a", "a star").Replace("\"fake\"", "\"dall-e-3\"", StringComparison.Ordinal));
        var batch = await WaitAsync((await _batches.CreateBatchAsync(Body(input, Images), waitUntilCompleted: false, Options)).BatchId, "failed");

        Assert.Equal("model_not_found", Assert.Single(batch.GetProperty("errors").GetProperty("data").EnumerateArray()).GetProperty("code").GetString());
    }

    [Fact]
    public async Task Batch_Cancelled_KeepsWhatIsDone_AndTellsNothingOfTheRest()
    {
        var input = await UploadAsync([ImageLine("quick", "a star"), ImageLine("slow1", "slow"), ImageLine("slow2", "slow")]);
        var operation = await _batches.CreateBatchAsync(Body(input, Images), waitUntilCompleted: false, Options);
        for (var output = JsonValueKind.Null; output == JsonValueKind.Null;)
        {
            await Task.Delay(50, Cancellation);
            output = (await BatchAsync(operation.BatchId)).GetProperty("output_file_id").ValueKind;
        }

        await operation.CancelAsync(Options);
        var batch = await WaitAsync(operation.BatchId, "cancelled");
        Assert.True(batch.GetProperty("cancelled_at").GetInt64() >= batch.GetProperty("cancelling_at").GetInt64());
        Assert.Contains("quick", await LinesAsync(batch.GetProperty("output_file_id").GetString()!));
        Assert.Equal(JsonValueKind.Null, batch.GetProperty("error_file_id").ValueKind);
    }

    [Fact]
    public async Task Batches_AreListedNewestFirst_InPages_AndAKeyNamesOne()
    {
        var input = await UploadAsync(ImageLine("a", "a star"));
        var made = new List<string>();
        for (var number = 0; number < 3; number++)
            made.Add((await _batches.CreateBatchAsync(Body(input, Images), waitUntilCompleted: false, Options)).BatchId);
        var seen = new List<string>();
        await foreach (var batch in _batches.GetBatchesAsync(new BatchCollectionOptions { PageSizeLimit = 2 }, Cancellation)) seen.Add(batch.Id);
        Assert.Equal(Enumerable.Reverse(made), seen.Where(made.Contains));
        Assert.Equal(seen.Distinct(), seen);

        var body = $$"""{"input_file_id":"{{input}}","endpoint":"{{Images}}","completion_window":"24h"}""";
        var first = await PostAsync("/v1/batches", body, 200, "key-1");
        var again = await PostAsync("/v1/batches", body, 200, "key-1");
        Assert.Equal(first.GetProperty("id").GetString(), again.GetProperty("id").GetString());
        var other = await PostAsync("/v1/batches", body.Replace("24h", "48h", StringComparison.Ordinal), 422, "key-1");
        Assert.Equal("idempotency_conflict", other.GetProperty("error").GetProperty("code").GetString());
        await _gateway.GetAsync("/v1/batches?after=batch_x", 400);
        await _gateway.GetAsync($"/v1/batches/{BatchId.Draw()}", 404);
    }

    [Fact]
    public async Task Foreign_FilesAndBatches_AreNotThere()
    {
        var theirs = new UploadedFile { Id = FileId.Draw(), CreatedAt = TimeProvider.System.GetUtcNow(), Name = "x", Purpose = Grains.Interfaces.FilePurpose.Batch, IsComplete = true };
        await _gateway.Cluster.Client.GetGrain<IFileShelf>(IFileShelf.KeyOf("others", theirs.Id.Part)).Put(theirs);
        var batch = new BatchInfo
        {
            Id = BatchId.Draw(),
            Tenant = "others",
            CreatedAt = theirs.CreatedAt,
            InputFile = theirs.Id,
            Endpoint = Images,
            Window = "24h",
        };
        await _gateway.Cluster.Client.GetGrain<IBatch>(batch.Id.Value).Create(batch);

        await _gateway.GetAsync($"/v1/files/{theirs.Id}", 404);
        await _gateway.GetAsync($"/v1/files/{theirs.Id}/content", 404);
        await _gateway.SendAsync(new(HttpMethod.Delete, $"/v1/files/{theirs.Id}"), 404);
        await _gateway.GetAsync($"/v1/batches/{batch.Id}", 404);
        await _gateway.SendAsync(new(HttpMethod.Post, $"/v1/batches/{batch.Id}/cancel"), 404);
        await _gateway.GetAsync($"/v1/files/{FileId.OutputOf(batch.Id)}", 404);
        await PostAsync("/v1/batches", $$"""{"input_file_id":"{{theirs.Id}}","endpoint":"{{Images}}","completion_window":"24h"}""", 400);
    }

    [Fact]
    public async Task Validation_ThatAGatewayLeftBehind_IsTakenUpByTheNextRead()
    {
        var input = await UploadAsync(ImageLine("a", "a star"));
        // As after the death of a gateway: the record is there, and nobody works on it.
        var info = new BatchInfo
        {
            Id = BatchId.Draw(),
            Tenant = "default",
            CreatedAt = TimeProvider.System.GetUtcNow(),
            InputFile = new(input),
            Endpoint = Images,
            Window = "24h",
        };
        await _gateway.Cluster.Client.GetGrain<IBatch>(info.Id.Value).Create(info);

        Assert.Equal((1, 1, 0), Counts(await WaitAsync(info.Id.Value, "completed")));
    }

    [Fact]
    public async Task Batch_WhoseWindowIsOver_Expires_AndSaysSoOfWhatDidNotRun()
    {
        var info = new BatchInfo
        {
            Id = BatchId.Draw(),
            Tenant = "default",
            CreatedAt = TimeProvider.System.GetUtcNow(),
            InputFile = new(await UploadAsync(ImageLine("quick", "a star"), ImageLine("slow", "slow"))),
            Endpoint = Images,
            Window = "1h",
            ExpiresAt = TimeProvider.System.GetUtcNow(),
        };
        var grain = _gateway.Cluster.Client.GetGrain<IBatch>(info.Id.Value);
        await grain.Create(info);
        while (Counts(await _gateway.GetAsync($"/v1/batches/{info.Id}")).Item2 == 0) await Task.Delay(50, Cancellation);

#pragma warning disable xUnit1051 // the reminder service calls it without one
        await grain.AsReference<IRemindable>().ReceiveReminder("expire", default);
#pragma warning restore xUnit1051

        var batch = await WaitAsync(info.Id.Value, "expired");
        Assert.Equal(info.ExpiresAt.Value.ToUnixTimeSeconds(), batch.GetProperty("expires_at").GetInt64());
        Assert.Contains("quick", await LinesAsync(batch.GetProperty("output_file_id").GetString()!));
        var late = (await LinesAsync(batch.GetProperty("error_file_id").GetString()!))["slow"];
        Assert.Equal("batch_expired", late.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(JsonValueKind.Null, late.GetProperty("response").ValueKind);
    }

    private async Task<string> UploadAsync(params string[] lines) => (await _files.UploadFileAsync(
        new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', lines))), "lines.jsonl", FileUploadPurpose.Batch, Cancellation)).Value.Id;

    private async Task<JsonElement> BatchAsync(string id) => Json((await CreateBatchOperation.RehydrateAsync(_batches, id, Cancellation)).GetRawResponse());

    private async Task<JsonElement> WaitAsync(string id, string status)
    {
        while (true)
        {
            var batch = await _gateway.GetAsync($"/v1/batches/{id}");
            var now = batch.GetProperty("status").GetString();
            if (now == status) return batch;
            Assert.True(now is "validating" or "in_progress" or "finalizing" or "cancelling", batch.GetRawText());
            await Task.Delay(50, Cancellation);
        }
    }

    private async Task<Dictionary<string, JsonElement>> LinesAsync(string file)
    {
        var text = (await _files.DownloadFileAsync(file, Cancellation)).Value.ToString();
        return text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<JsonElement>(line))
            .ToDictionary(line => line.GetProperty("custom_id").GetString()!);
    }

    private async Task<JsonElement> PostAsync(string path, string body, int status, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        return await _gateway.SendAsync(request, status);
    }

    private static BinaryContent Body(string input, string endpoint, string more = "") =>
        BinaryContent.Create(BinaryData.FromString($$"""{"input_file_id":"{{input}}","endpoint":"{{endpoint}}","completion_window":"24h"{{more}}}"""));

    private static string ImageLine(string id, string prompt, string more = "") =>
        $$$"""{"custom_id":"{{{id}}}","method":"POST","url":"{{{Images}}}","body":{"model":"fake","prompt":"{{{prompt}}}"{{{more}}} }}""";

    private static JsonElement Json(PipelineResponse response) => JsonSerializer.Deserialize<JsonElement>(response.Content);

    private static (int, int, int) Counts(JsonElement batch)
    {
        var counts = batch.GetProperty("request_counts");
        return (counts.GetProperty("total").GetInt32(), counts.GetProperty("completed").GetInt32(), counts.GetProperty("failed").GetInt32());
    }

    /// <summary>One cluster for all of them: each test looks only for what is its own.</summary>
    public sealed class Running : IAsyncLifetime
    {
        private static readonly ManualResetEventSlim s_slow = new();

        internal GatewayCluster Gateway { get; private set; } = null!;

        internal OpenAIClient Client { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Gateway = await GatewayCluster.StartAsync(new FakeEngineOptions { OnToken = Disturb });
            Client = new(new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new(Gateway.Address, "v1") });
        }

        public ValueTask DisposeAsync()
        {
            s_slow.Set();
            return Gateway.DisposeAsync();
        }

        /// <summary>Sick items break; slow ones wait until all tests have run.</summary>
        private static void Disturb(GenerationRequest request, int index)
        {
            if (request is not ImageRequest { Prompt: var prompt }) return;
            if (prompt.StartsWith("sick", StringComparison.Ordinal)) throw new InvalidOperationException("sick");
            if (prompt.StartsWith("slow", StringComparison.Ordinal)) s_slow.Wait(TimeSpan.FromMinutes(1));
        }
    }
}
