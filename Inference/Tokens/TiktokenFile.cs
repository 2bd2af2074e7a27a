using System.Buffers.Text;
using System.Globalization;
using Emu3.Inference.Weights;

namespace Emu3.Inference.Tokens;

/// <summary>The text vocabulary of the original layout: a line a token, <c>base64(bytes) rank</c>, and beside it a file with a visual token's spelling a line.</summary>
internal static class TiktokenFile
{
    public const string Name = "emu3.tiktoken";
    public const string VisionName = "emu3_vision_tokens.txt";

    /// <summary>The bytes of each token, at the index of its rank, which is its id.</summary>
    /// <exception cref="CheckpointException">The file is missing, a line is not of that form, or the ranks are not 0, 1, 2, …</exception>
    public static IReadOnlyList<byte[]> Read(string folder)
    {
        var tokens = new List<byte[]>();
        foreach (var line in Lines(folder, Name))
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            if (space < 0 || !Base64.IsValid(line.AsSpan(0, space))
                || !int.TryParse(line.AsSpan(space + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var rank) || rank != tokens.Count)
            {
                throw new CheckpointException($"{Path.Combine(folder, Name)}, line {tokens.Count + 1}: '{line}' must be a token in base64, a space, and the rank {tokens.Count}.");
            }

            tokens.Add(Convert.FromBase64String(line[..space]));
        }

        return tokens;
    }

    /// <summary>The spellings in the order of the file.</summary>
    public static IReadOnlyList<string> ReadVisionTokens(string folder) => Lines(folder, VisionName);

    private static List<string> Lines(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        try
        {
            return [.. CheckpointFile.ReadText(path).Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path} can't be read: {cause.Message}", cause);
        }
    }
}
