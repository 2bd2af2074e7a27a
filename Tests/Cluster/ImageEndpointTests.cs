using System.Net;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using Emu3.Gateway;
using Emu3.Inference.Vision;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>What <c>/v1/images/generations</c> has beyond a plain picture: previews while it is drawn, addresses, other names of models, exact sizes.</summary>
[Trait("Suite", "Cluster")]
public sealed class ImageEndpointTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task Generate_Streamed_ShowsMoreAndMoreRowsAndThenThePicture(int previewCount)
    {
        await using var gateway = await GatewayCluster.StartAsync(new FakeEngineOptions { TimePerToken = TimeSpan.FromMilliseconds(4) });
        var events = await StreamAsync(gateway, $$"""{"prompt":"a red star","seed":5,"stream":true,"partial_images":{{previewCount}}}""");

        Assert.Equal(
            [.. Enumerable.Repeat("image_generation.partial_image", previewCount), "image_generation.completed"], events.Select(happened => happened.Type));
        Assert.All(events, happened => Assert.Equal(happened.Type, Text(happened.Data, "type")));
        Assert.All(events, happened => Assert.Equal(("64x64", "png", "opaque"), (Text(happened.Data, "size"), Text(happened.Data, "output_format"), Text(happened.Data, "background"))));
        var completed = events[^1].Data;
        Assert.Equal(75, completed.GetProperty("usage").GetProperty("output_tokens").GetInt32());
        var pictures = events.Select(happened => Decode(Text(happened.Data, "b64_json"))).ToList();
        Assert.Equal(pictures.Count, pictures.Select(picture => Convert.ToHexString(picture.Rgb)).Distinct().Count());
        for (var index = 0; index < previewCount; index++)
        {
            Assert.Equal(index, events[index].Data.GetProperty("partial_image_index").GetInt32());
            var drawn = 3 * 64 * 8 * (8 * (index + 1) / (previewCount + 1)); // bytes of the rows that are there: eight rows of cells of eight pixels
            Assert.Equal(pictures[^1].Rgb[..drawn], pictures[index].Rgb[..drawn]);
        }

        // The picture is the one that a request without a stream gets.
        var whole = await gateway.SendAsync(Post("""{"prompt":"a red star","seed":5}"""), 200);
        Assert.Equal(pictures[^1].Rgb, Decode(Text(whole.GetProperty("data")[0], "b64_json")).Rgb);
    }

    [Fact]
    public async Task Generate_StreamThatFails_EndsWithTheReason()
    {
        await using var gateway = await GatewayCluster.StartAsync(new FakeEngineOptions { OnToken = (_, _) => throw new InvalidOperationException("sick") });
        var events = await StreamAsync(gateway, """{"prompt":"a red star","stream":true,"partial_images":2}""");
        Assert.Equal("engine_failed", events[^1].Data.GetProperty("error").GetProperty("code").GetString());
        Assert.DoesNotContain(events, happened => happened.Type == "image_generation.completed");
    }

    [Theory]
    [InlineData("""{"prompt":"p","partial_images":2}""", "partial_images")]
    [InlineData("""{"prompt":"p","stream":true,"partial_images":4}""", "partial_images")]
    [InlineData("""{"prompt":"p","stream":true,"n":2}""", "n")]
    [InlineData("""{"prompt":"p","stream":true,"response_format":"url"}""", "response_format")]
    [InlineData("""{"prompt":"p","response_format":"png"}""", "response_format")]
    [InlineData("""{"prompt":"p","size":"1024x1024","size_policy":"exact"}""", "size")]
    [InlineData("""{"prompt":"p","size_policy":"roughly"}""", "size_policy")]
    public async Task Generate_WhatDoesNotGoTogether_IsRefusedByName(string body, string param)
    {
        await using var gateway = await GatewayCluster.StartAsync();
        var error = (await gateway.SendAsync(Post(body), 400)).GetProperty("error");
        Assert.Equal((param, "invalid_request_error"), (Text(error, "param"), Text(error, "type")));
    }

    [Fact]
    public async Task Generate_AsAddress_OpensWithoutAKeyUntilItsTimeIsOver()
    {
        await using var gateway = await GatewayCluster.StartAsync(options: new GatewayHostOptions { PublicAddress = "https://pictures.example.org/" });
        var drawn = await gateway.SendAsync(Post("""{"prompt":"p","seed":9,"n":2,"response_format":"url"}"""), 200);
        var whole = await gateway.SendAsync(Post("""{"prompt":"p","seed":9,"n":2}"""), 200);
        foreach (var sample in (int[])[0, 1])
        {
            var address = new Uri(Text(drawn.GetProperty("data")[sample], "url"));
            Assert.Equal("pictures.example.org", address.Host);
            Assert.False(drawn.GetProperty("data")[sample].TryGetProperty("b64_json", out _));
            var file = await gateway.Http.GetByteArrayAsync(address.PathAndQuery, Cancellation);
            Assert.Equal(Decode(Text(whole.GetProperty("data")[sample], "b64_json")).Rgb, PictureFiles.Decode(file, 1 << 20).Rgb);
        }

        var path = new Uri(Text(drawn.GetProperty("data")[0], "url")).PathAndQuery;
        var expires = path.Split("expires=")[1].Split('&')[0];
        foreach (var forged in (string[])[path.Replace("/0?", "/1?", StringComparison.Ordinal), path.Replace(expires, expires + "0", StringComparison.Ordinal), path[..^1], path.Split('?')[0]])
            Assert.Equal("address_not_valid", Text((await gateway.GetAsync(forged, 403)).GetProperty("error"), "code"));
    }

    [Fact]
    public async Task Generate_AsAddressWhoseTimeIsOver_IsRefused()
    {
        await using var gateway = await GatewayCluster.StartAsync(options: new GatewayHostOptions { AddressValidity = TimeSpan.FromTicks(1) });
        var path = new Uri(Text((await gateway.SendAsync(Post("""{"prompt":"p","response_format":"url"}"""), 200)).GetProperty("data")[0], "url")).PathAndQuery;
        var expires = DateTimeOffset.FromUnixTimeSeconds(long.Parse(path.Split("expires=")[1].Split('&')[0], System.Globalization.CultureInfo.InvariantCulture));
        while (TimeProvider.System.GetUtcNow() < expires.AddSeconds(1)) await Task.Delay(50, Cancellation);
        await gateway.GetAsync(path, 403);
    }

    [Fact]
    public async Task Generate_ByAnotherNameOfTheModel_IsTheModels()
    {
        await using var gateway = await GatewayCluster.StartAsync(options: new GatewayHostOptions { ModelAliases = { ["gpt-image-1"] = "fake" } });
        await gateway.SendAsync(Post("""{"model":"gpt-image-1","prompt":"p"}"""), 200);
        var job = await gateway.SubmitAsync(["""{"model":"gpt-image-1"}""", """{"custom_id":"a","method":"POST","url":"/v1/images/generations","body":{"model":"gpt-image-1","prompt":"p"}}"""]);
        Assert.Equal(1, (await gateway.WaitAsync(Text(job, "id"))).GetProperty("counts").GetProperty("done").GetInt32());
        await gateway.SendAsync(Post("""{"model":"gpt-image-2","prompt":"p"}"""), 404);
    }

    private static HttpRequestMessage Post(string body) =>
        new(HttpMethod.Post, "/v1/images/generations") { Content = new StringContent(body, Encoding.UTF8, "application/json") };

    private static async Task<List<(string Type, JsonElement Data)>> StreamAsync(GatewayCluster gateway, string body)
    {
        using var response = await gateway.Http.SendAsync(Post(body), HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await using var stream = await response.Content.ReadAsStreamAsync(Cancellation);
        var events = new List<(string, JsonElement)>();
        try
        {
            await foreach (var item in SseParser.Create(stream).EnumerateAsync(Cancellation))
                events.Add((item.EventType, JsonSerializer.Deserialize<JsonElement>(item.Data)));
        }
        catch (IOException) when (events is [.., ("error", _)])
        {
            return events; // after an error the body has no proper end
        }

        Assert.Equal("image_generation.completed", events[^1].Item1);
        return events;
    }

    private static Picture Decode(string base64) => PictureFiles.Decode(Convert.FromBase64String(base64), 1 << 20);

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
