using System.ClientModel;
using System.Text;
using System.Text.Json;
using Emu3.Grains.Interfaces;
using Emu3.Tests.Unit.Grains.Interfaces.Requests;
using OpenAI.Files;
using FilePurpose = OpenAI.Files.FilePurpose;

#pragma warning disable OPENAI001 // the client calls its batches experimental

namespace Emu3.Tests.Cluster;

/// <summary>Of files alone.</summary>
public sealed partial class BatchEndpointTests
{
    [Fact]
    public async Task File_IsUploadedListedReadAndDeleted()
    {
        var bytes = Encoding.UTF8.GetBytes("some notes\n");
        OpenAIFile file = await _files.UploadFileAsync(new MemoryStream(bytes), "../notes.txt", FileUploadPurpose.UserData, Cancellation);
        OpenAIFile picture = await _files.UploadFileAsync(new MemoryStream(DataUrls.PngHeader(8, 8)), "p.png", FileUploadPurpose.Vision, Cancellation);

        Assert.Equal(("notes.txt", bytes.Length, FilePurpose.UserData), (file.Filename, file.SizeInBytes, file.Purpose));
        Assert.Equal(file.Id, (await _files.GetFileAsync(file.Id, Cancellation)).Value.Id);
        Assert.Equal(bytes, (await _files.DownloadFileAsync(file.Id, Cancellation)).Value.ToArray());
        var all = (await _files.GetFilesAsync(Cancellation)).Value.Select(one => one.Id).ToList();
        Assert.True(all.IndexOf(picture.Id) >= 0 && all.IndexOf(picture.Id) < all.IndexOf(file.Id), "newest first");
        Assert.DoesNotContain((await _files.GetFilesAsync(FilePurpose.Vision, Cancellation)).Value, one => one.Id == file.Id);
        Assert.True((await _files.DeleteFileAsync(file.Id, Cancellation)).Value.Deleted);
        Assert.Equal(404, (await Assert.ThrowsAsync<ClientResultException>(() => _files.GetFileAsync(file.Id, Cancellation))).Status);
        Assert.Equal(404, (await Assert.ThrowsAsync<ClientResultException>(() => _files.DownloadFileAsync(file.Id, Cancellation))).Status);
        Assert.Null(await _gateway.Cluster.Blobs.ReadAsync(BlobKeys.File("default", new FileId(file.Id)), Cancellation));
    }

    [Fact]
    public async Task List_InPages_HasEveryFileOnce_InBothOrders()
    {
        var ids = new List<string>();
        for (var number = 0; number < 5; number++)
            ids.Add((await _files.UploadFileAsync(new MemoryStream([1]), $"{number}.bin", FileUploadPurpose.UserData, Cancellation)).Value.Id);
        foreach (var order in new[] { "asc", "desc" })
        {
            var seen = new List<string>();
            for (var (after, hasMore) = ("", true); hasMore;)
            {
                var page = await _gateway.GetAsync($"/v1/files?limit=2&order={order}&purpose=user_data&after={after}");
                foreach (var file in page.GetProperty("data").EnumerateArray()) seen.Add(file.GetProperty("id").GetString()!);
                (after, hasMore) = (page.GetProperty("last_id").GetString()!, page.GetProperty("has_more").GetBoolean());
                Assert.Equal(after, seen[^1]);
            }

            var ours = seen.Where(ids.Contains);
            Assert.Equal(order == "asc" ? ids : Enumerable.Reverse(ids), ours);
        }

        await _gateway.GetAsync("/v1/files?after=file-x", 400);
        await _gateway.GetAsync("/v1/files?limit=0", 400);
        await _gateway.GetAsync("/v1/files?order=up", 400);
    }

    [Theory]
    [InlineData("fine-tune", "purpose")]
    [InlineData(null, "purpose")]
    public async Task Upload_WithoutAPurposeThatWeHave_NamesIt(string? purpose, string param)
    {
        using var form = new MultipartFormDataContent { { new ByteArrayContent([1, 2, 3]), "file", "x.bin" } };
        if (purpose is not null) form.Add(new StringContent(purpose), "purpose");
        var error = (await _gateway.SendAsync(new(HttpMethod.Post, "/v1/files") { Content = form }, 400)).GetProperty("error");

        Assert.Equal(param, error.GetProperty("param").GetString());
    }

    [Fact]
    public async Task Upload_OfABrokenForm_IsRefused_AndLeavesNothing()
    {
        var before = (await _gateway.GetAsync("/v1/files")).GetProperty("data").GetArrayLength();
        using var cut = new ByteArrayContent(Encoding.UTF8.GetBytes(
            "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nabc"));
        cut.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=b");
        await _gateway.SendAsync(new(HttpMethod.Post, "/v1/files") { Content = cut }, 400);
        using var noForm = new StringContent("{}", Encoding.UTF8, "application/json");
        await _gateway.SendAsync(new(HttpMethod.Post, "/v1/files") { Content = noForm }, 415);

        Assert.Equal(before, (await _gateway.GetAsync("/v1/files")).GetProperty("data").GetArrayLength());
    }

    [Fact]
    public async Task Upload_LargerThanAnyFileMayBe_Is413_BeforeItIsSent()
    {
        using var content = new ByteArrayContent([1]);
        content.Headers.ContentLength = 600L << 20;
        content.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=b");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/files") { Content = content };
        request.Headers.ExpectContinue = true;
        var error = (await _gateway.SendAsync(request, 413)).GetProperty("error");

        Assert.Equal("request_too_large", error.GetProperty("code").GetString());
        Assert.Contains($"{(512 << 20) + (1 << 20)}", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Upload_UnderAKey_IsOneFile_AndAnotherFormUnderItIsRefused()
    {
        var upload = async (byte[] bytes, int status) =>
        {
            using var form = new MultipartFormDataContent { { new ByteArrayContent(bytes), "file", "x.bin" }, { new StringContent("user_data"), "purpose" } };
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/files") { Content = form };
            request.Headers.Add("Idempotency-Key", "one file");
            return await _gateway.SendAsync(request, status);
        };
        var first = await upload([1, 2, 3], 200);

        Assert.Equal(first.GetRawText(), (await upload([1, 2, 3], 200)).GetRawText());
        await upload([1, 2, 4], 422);
        Assert.Equal([1, 2, 3], (await _files.DownloadFileAsync(first.GetProperty("id").GetString(), Cancellation)).Value.ToArray());
    }

    [Theory]
    [InlineData("Range", "bytes=-0", 416, "range_not_satisfiable")]
    [InlineData("Range", "bytes=99-", 416, "range_not_satisfiable")]
    [InlineData("Range", "bytes=0-", 206, null)]
    public async Task Content_OfARangeThatIsNotThere_IsAnErrorInOpenAisShape(string header, string value, int status, string? code)
    {
        OpenAIFile file = await _files.UploadFileAsync(new MemoryStream([1, 2, 3]), "x.bin", FileUploadPurpose.UserData, Cancellation);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/files/{file.Id}/content");
        Assert.True(request.Headers.TryAddWithoutValidation(header, value));
        using var response = await _gateway.Http.SendAsync(request, Cancellation);

        Assert.Equal(status, (int)response.StatusCode);
        if (code is null) return;
        Assert.Equal("bytes */3", response.Content.Headers.ContentRange?.ToString());
        var error = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation)).GetProperty("error");
        Assert.Equal(("Range", code), (error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Upload_WhoseNameIsInACharacterSetThatNobodyReads_HasItsOtherName()
    {
        using var form = new ByteArrayContent(Encoding.UTF8.GetBytes(
            "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"; filename*=UTF-7''x\r\n\r\nabc\r\n--b--"));
        form.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=b");
        var file = await _gateway.SendAsync(new(HttpMethod.Post, "/v1/files") { Content = form }, 200);

        Assert.Equal("a", file.GetProperty("filename").GetString());
    }

    [Fact]
    public async Task Question_MayNameAnUploadedPicture_ButNoBatchFileAndNoAddress()
    {
        var ask = async (string url, int status) => await PostAsync(Chat,
            $$$"""{"max_tokens":3,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"{{{url}}}"}},{"type":"text","text":"What?"}]}]}""", status);
        OpenAIFile picture = await _files.UploadFileAsync(new MemoryStream(DataUrls.PngHeader(8, 8)), "p.png", FileUploadPurpose.Vision, Cancellation);
        OpenAIFile bomb = await _files.UploadFileAsync(new MemoryStream(DataUrls.PngHeader(60_000, 60_000)), "p.png", FileUploadPurpose.Vision, Cancellation);
        OpenAIFile lines = await _files.UploadFileAsync(new MemoryStream(DataUrls.PngHeader(8, 8)), "p.jsonl", FileUploadPurpose.Batch, Cancellation);

        var byFile = await ask(picture.Id, 200);
        var inPlace = await ask(DataUrls.Png(8, 8), 200);
        Assert.Equal(inPlace.GetProperty("usage").GetRawText(), byFile.GetProperty("usage").GetRawText());
        Assert.Contains("60000x60000", (await ask(bomb.Id, 400)).GetRawText(), StringComparison.Ordinal);
        foreach (var wrong in new[] { lines.Id, FileId.Draw().Value, "https://example.org/x.png" })
            Assert.Equal("messages[0].content[0].image_url.url", (await ask(wrong, 400)).GetProperty("error").GetProperty("param").GetString());
    }
}
