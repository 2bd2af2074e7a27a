using Emu3.Inference;
using Emu3.Inference.Vision;

namespace Emu3.Benchmarks.SameBytes;

/// <summary>A fixed list without an end: of five requests three draw a picture, one asks a question, mostly about a picture, and one encodes and decodes a clip.</summary>
internal static class RequestList
{
    private const int Kinds = 5;

    private static readonly (int Height, int Width)[] s_sizes = [(8, 8), (3, 5), (6, 9), (4, 4), (9, 6), (1, 7), (10, 4)];
    private static readonly string[] s_questions = ["Please describe the image", "What color is the background?", "How many shapes are there?", "What shape is it?"];
    private static readonly double[] s_guidance = [1.5, 1, 3];

    private static readonly SamplingSettings[] s_sampling = [new(1, 0, 1), new(0.8, 40, 0.95), SamplingSettings.Greedy, new(1.2, 0, 0.9)];

    /// <summary>Whether request <paramref name="i"/> is a clip, which is for the vision tokenizer alone.</summary>
    public static bool IsClip(int i) => i % Kinds == Kinds - 1;

    /// <summary>Whether it takes little even where each multiply-add takes many instructions: few cells or frames.</summary>
    public static bool IsSmall(int i) => (i % Kinds) switch
    {
        Kinds - 1 => i / Kinds % 6 == 0,
        Kinds - 2 => IsWithoutPicture(i),
        _ => s_sizes[i % s_sizes.Length] is ( < 5, < 8),
    };

    /// <summary>Request <paramref name="i"/>, for the engine.</summary>
    public static GenerationRequest Request(int i) => i % Kinds == Kinds - 2 ? Question(i) : Drawing(i);

    /// <summary>The frames of clip <paramref name="i"/>: one or two groups of them.</summary>
    /// <param name="i">Its place in the list.</param>
    /// <param name="groupSize">Frames of a group.</param>
    /// <param name="factor">Height and width are multiples of it.</param>
    public static Picture[] Clip(int i, int groupSize, int factor)
    {
        var (height, width) = (factor * (2 + i / Kinds % 3), factor * (2 + i / Kinds % 4));
        return [.. Enumerable.Range(0, groupSize * (1 + i / Kinds % 2)).Select(frame => Painted(height, width, i, frame))];
    }

    private static ImageRequest Drawing(int i)
    {
        var (height, width) = s_sizes[i % s_sizes.Length];
        return new()
        {
            Id = $"{i}",
            Prompt = Pictures.PictureWork.Prompt(i),
            NegativePrompt = i % 2 == 0 ? "" : "blurry",
            GuidanceScale = s_guidance[i % s_guidance.Length],
            Sampling = s_sampling[i % s_sampling.Length],
            Seed = (ulong)i * 0x9E3779B97F4A7C15, // any constant with bits in both halves
            SampleIndex = (uint)i % 3,
            LatentHeight = height,
            LatentWidth = width,
        };
    }

    private static ChatRequest Question(int i) => new()
    {
        Id = $"{i}",
        Messages =
        [
            new(ChatRole.User,
            [
                .. IsWithoutPicture(i) ? (ChatPart[])[] : [new ChatPart.Picture(PictureFiles.Encode(Painted(40 + 8 * (i / Kinds % 5), 64, i, 0), PictureFormat.Png))],
                new ChatPart.Text(s_questions[i / Kinds % s_questions.Length]),
            ]),
        ],
        MaxNewTokens = 12,
        Sampling = s_sampling[i / Kinds % s_sampling.Length],
        Seed = (ulong)i,
    };

    private static bool IsWithoutPicture(int i) => i / Kinds % 4 == 0;

    /// <summary>A disc on a gradient; it moves from frame to frame.</summary>
    private static Picture Painted(int height, int width, int i, int frame)
    {
        var rgb = new byte[3 * height * width];
        var (centreRow, centreColumn, radius) = (height / 2 + frame, width / 3 + 2 * frame, Math.Min(height, width) / 3);
        for (var at = 0; at < height * width; at++)
        {
            var (row, column) = (at / width, at % width);
            var isInside = (row - centreRow) * (row - centreRow) + (column - centreColumn) * (column - centreColumn) < radius * radius;
            for (var channel = 0; channel < 3; channel++)
                rgb[3 * at + channel] = (byte)(isInside ? 40 + 70 * ((i + channel) % 3) : (2 * row + (channel + 1) * column + 31 * i) % 256);
        }
        return new(width, height, rgb);
    }
}
