using System.Net.Http.Json;
using System.Text.Json;
using Emu3.Gateway;
using Emu3.Inference.Vision;
using Emu3.Storage.Objects;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>Answers with addresses of the object store itself: what clients read does not pass through the gateway.</summary>
[Trait("Suite", "Cluster")]
public sealed class ObjectStoreAddressTests(ObjectStoreFixture stores)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PictureAndBatchLine_ByAddress_OpenAtTheStore_UntilTheGatewaysValidityIsOver()
    {
        var options = await stores.InCephAsync();
        options.SignedUrls = true;
        using var store = new S3BlobStore(options);
        using var folder = new TemporaryFolder();
        await using var gateway = await GatewayCluster.StartAsync(
            await EmbeddedCluster.StartAsync(folder.FullPath, store: store), options: new GatewayHostOptions { AddressValidity = TimeSpan.FromMinutes(7) });
        using var http = new HttpClient();

        var drawn = await gateway.SendAsync(
            new(HttpMethod.Post, "/v1/images/generations") { Content = JsonContent.Create(new { prompt = "p", seed = 9, n = 2, response_format = "url" }) }, 200);
        var addresses = drawn.GetProperty("data").EnumerateArray().Select(picture => new Uri(picture.GetProperty("url").GetString()!)).ToList();
        addresses.AddRange(await BatchAddressesAsync(gateway));

        Assert.Equal(3, addresses.Count);
        foreach (var address in addresses)
        {
            Assert.Equal(options.Endpoint, address.GetLeftPart(UriPartial.Authority));
            // Seven minutes, counted from the whole second before now.
            Assert.InRange(int.Parse(address.Query.Split("X-Amz-Expires=")[1].Split('&')[0], System.Globalization.CultureInfo.InvariantCulture), 400, 421);
            using var answer = await http.GetAsync(address, Cancellation);
            Assert.Equal("image/png", answer.Content.Headers.ContentType?.MediaType);
            Assert.True(PictureFiles.Decode(await answer.Content.ReadAsByteArrayAsync(Cancellation), 1 << 20).Rgb.Length > 0);
        }
    }

    private static async Task<IEnumerable<Uri>> BatchAddressesAsync(GatewayCluster gateway)
    {
        var line = """{"custom_id":"a","method":"POST","url":"/v1/images/generations","body":{"prompt":"p","response_format":"url"}}""";
        using var form = new MultipartFormDataContent { { new StringContent("batch"), "purpose" }, { new StringContent(line), "file", "a.jsonl" } };
        var file = await gateway.SendAsync(new(HttpMethod.Post, "/v1/files") { Content = form }, 200);
        var batch = await gateway.SendAsync(new(HttpMethod.Post, "/v1/batches")
        {
            Content = JsonContent.Create(new { input_file_id = file.GetProperty("id").GetString(), endpoint = "/v1/images/generations", completion_window = "24h" }),
        }, 200);
        while (batch.GetProperty("status").GetString() is not ("completed" or "failed"))
        {
            await Task.Delay(50, Cancellation);
            batch = await gateway.GetAsync($"/v1/batches/{batch.GetProperty("id").GetString()}");
        }

        var output = await gateway.Http.GetStringAsync($"/v1/files/{batch.GetProperty("output_file_id").GetString()}/content", Cancellation);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(text => JsonDocument.Parse(text).RootElement.GetProperty("response").GetProperty("body"))
            .SelectMany(body => body.GetProperty("data").EnumerateArray()).Select(picture => new Uri(picture.GetProperty("url").GetString()!));
    }
}
