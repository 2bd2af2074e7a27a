using System.Security.Cryptography;
using System.Text;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>SHA-256 over all fields of an item: two items of one hash are the same item.</summary>
public static class SpecHash
{
    /// <param name="item">The item.</param>
    /// <param name="salt">What else must be equal, such as the weights' hash.</param>
    public static byte[] Of(ItemSpec item, string salt = "")
    {
        using var bytes = new MemoryStream();
        using (var writer = new BinaryWriter(bytes, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(salt);
            writer.Write(item.Id);
            writer.Write(item.SampleIndex);
            writer.Write(item.Seed);
            writer.Write(item.Sampling.Temperature);
            writer.Write(item.Sampling.TopK);
            writer.Write(item.Sampling.TopP);
            if (item.Image is { } image) Write(writer, image);
            if (item.Chat is { } chat) Write(writer, chat);
        }

        return SHA256.HashData(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }

    private static void Write(BinaryWriter writer, ImageSpec image)
    {
        writer.Write("image");
        writer.Write(image.Prompt);
        writer.Write(image.NegativePrompt);
        writer.Write(image.GuidanceScale);
        writer.Write(image.LatentHeight);
        writer.Write(image.LatentWidth);
        writer.Write((int)image.Format);
        writer.Write(image.Quality);
        writer.Write(image.EmbedRecipe);
    }

    private static void Write(BinaryWriter writer, ChatSpec chat)
    {
        writer.Write("chat");
        writer.Write(chat.MaxNewTokens);
        foreach (var turn in chat.Turns)
        {
            writer.Write(turn.Role);
            writer.Write(turn.Parts.Count);
            foreach (var part in turn.Parts)
            {
                writer.Write(part.Text is not null);
                writer.Write(part.Text ?? part.PictureBlob ?? "");
            }
        }

        foreach (var stop in chat.Stop ?? [])
        {
            writer.Write("stop"); // where a turn has its role; nothing is written where there is none, as before there were any
            writer.Write(stop);
        }
    }
}
