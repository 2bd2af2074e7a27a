using Emu3.Grains.Interfaces;
using Emu3.Inference;

namespace Emu3.Grains.Workers;

/// <summary>The one place where an item becomes a request to the engine.</summary>
public static class ItemRequests
{
    /// <param name="name">For logs.</param>
    /// <param name="item">The item.</param>
    /// <param name="pictures">Files of its picture parts, by blob key.</param>
    /// <param name="generated">Tokens of an earlier lease.</param>
    public static GenerationRequest From(string name, ItemSpec item, IReadOnlyDictionary<string, byte[]> pictures, IReadOnlyList<int> generated)
    {
        var sampling = new SamplingSettings(item.Sampling.Temperature, item.Sampling.TopK, item.Sampling.TopP);
        return item switch
        {
            { Image: { } image } => new ImageRequest
            {
                Id = name,
                Sampling = sampling,
                Seed = item.Seed,
                SampleIndex = item.SampleIndex,
                Generated = generated,
                Prompt = image.Prompt,
                NegativePrompt = image.NegativePrompt,
                GuidanceScale = image.GuidanceScale,
                LatentHeight = image.LatentHeight,
                LatentWidth = image.LatentWidth,
            },
            { Chat: { } chat } => new ChatRequest
            {
                Id = name,
                Sampling = sampling,
                Seed = item.Seed,
                SampleIndex = item.SampleIndex,
                Generated = generated,
                MaxNewTokens = chat.MaxNewTokens,
                Stop = chat.Stop ?? [],
                Messages = [.. chat.Turns.Select(turn => new ChatMessage(Role(turn.Role), [.. turn.Parts.Select(part => Part(part, pictures))]))],
            },
            _ => throw new ArgumentException($"Item '{item.Id}' is neither a picture nor a question.", nameof(item)),
        };
    }

    /// <summary>Keys of the pictures that an item's prompt has.</summary>
    public static IEnumerable<string> PicturesOf(ItemSpec item) =>
        item.Chat?.Turns.SelectMany(turn => turn.Parts).Select(part => part.PictureBlob).OfType<string>().Distinct() ?? [];

    private static ChatPart Part(ChatTurnPart part, IReadOnlyDictionary<string, byte[]> pictures) =>
        part.PictureBlob is { } key ? new ChatPart.Picture(pictures[key]) : new ChatPart.Text(part.Text ?? "");

    private static ChatRole Role(string role) => role switch
    {
        "system" => ChatRole.System,
        "user" => ChatRole.User,
        "assistant" => ChatRole.Assistant,
        _ => throw new ArgumentException($"A turn's role is system, user or assistant, not '{role}'.", nameof(role)),
    };
}
