#pragma warning disable MEAI001 // IImageGenerator is still called experimental
using System.ClientModel;
using Emu3.Grains.Interfaces.Requests;
using Microsoft.Extensions.AI;
using OpenAI;

namespace Emu3.Tests.Cluster;

/// <summary>Microsoft.Extensions.AI over OpenAI's client, both unmodified.</summary>
[Trait("Suite", "Cluster")]
public sealed class ExtensionsClientTests : IAsyncLifetime
{
    private GatewayCluster _gateway = null!;
    private OpenAIClient _client = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _gateway = await GatewayCluster.StartAsync();
        _client = new(new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new(_gateway.Address, "v1") });
    }

    public ValueTask DisposeAsync() => _gateway.DisposeAsync();

    [Fact]
    public async Task ImageGenerator_OfSeveral_GivesDifferentPictures()
    {
        using var generator = _client.GetImageClient("fake").AsIImageGenerator();
        var answer = await generator.GenerateImagesAsync(
            "a red star", new ImageGenerationOptions { Count = 3, ImageSize = new(1024, 1024), MediaType = "image/png", ResponseFormat = ImageGenerationResponseFormat.Data }, Cancellation);
        var pictures = answer.Contents.Cast<DataContent>().Select(content => content.Data.ToArray()).ToList();
        Assert.Equal(3, pictures.Select(Convert.ToHexString).Distinct().Count());
        Assert.All(pictures, picture =>
        {
            Assert.True(PictureHeader.TryRead(picture, out var header));
            Assert.Equal((64, 64), (header.Width, header.Height));
        });
    }

    [Fact]
    public async Task ImageGenerator_WithoutOptions_GivesAPicture()
    {
        using var generator = _client.GetImageClient("fake").AsIImageGenerator();
        var picture = Assert.IsType<DataContent>(Assert.Single((await generator.GenerateImagesAsync("a red star", cancellationToken: Cancellation)).Contents));
        Assert.True(PictureHeader.TryRead(picture.Data.ToArray(), out _));
    }

    [Fact]
    public async Task ImageGenerator_OfAddresses_GivesOnesThatOpen()
    {
        using var generator = _client.GetImageClient("fake").AsIImageGenerator();
        var answer = await generator.GenerateImagesAsync("a red star", new ImageGenerationOptions { ResponseFormat = ImageGenerationResponseFormat.Uri }, Cancellation);
        var address = Assert.IsType<UriContent>(Assert.Single(answer.Contents)).Uri;
        Assert.True(PictureHeader.TryRead(await _gateway.Http.GetByteArrayAsync(address, Cancellation), out _));
    }

    [Fact]
    public async Task ChatClient_Answers_AtOnceAndInPieces()
    {
        using var chat = _client.GetChatClient("fake").AsIChatClient();
        var options = new ChatOptions { MaxOutputTokens = 3 };
        var answer = await chat.GetResponseAsync("Hi", options, Cancellation);
        Assert.Equal(("w0 w1 w2 ", ChatFinishReason.Length, 3L), (answer.Text, answer.FinishReason, answer.Usage?.OutputTokenCount));
        var pieces = await chat.GetStreamingResponseAsync("Hi", options, Cancellation).ToListAsync(Cancellation);
        Assert.Equal("w0 w1 w2 ", string.Concat(pieces.Select(piece => piece.Text)));
    }
}
