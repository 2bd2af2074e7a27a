using System.Text.Json;
using Emu3.Inference.Weights;

namespace Emu3.Inference.Tokens;

/// <summary>How a text is cut before its pieces are merged from bytes.</summary>
internal enum SplitPattern
{
    /// <summary>GPT-2's, the one inside the <c>ByteLevel</c> pre-tokenizer.</summary>
    Gpt2,

    /// <summary>Qwen's, the one of the original layout.</summary>
    Qwen,
}

/// <summary>
/// <c>tokenizer.json</c> of a transformers checkpoint, for byte-level BPE. What the file says is followed; what this implementation does not know is refused by name.
/// </summary>
/// <param name="Vocabulary">Text tokens as the file spells them, each byte a printable character → id. Special tokens are left out.</param>
/// <param name="Merges">Pairs, the most important first.</param>
/// <param name="AddedTokens">Special tokens: spelling → id.</param>
/// <param name="Normalizes">Whether text is brought to NFC first.</param>
/// <param name="Split">How text is cut.</param>
internal sealed record TokenizerJson(
    IReadOnlyDictionary<string, int> Vocabulary, IReadOnlyList<(string Left, string Right)> Merges, IReadOnlyDictionary<string, int> AddedTokens,
    bool Normalizes, SplitPattern Split)
{
    public const string Name = "tokenizer.json";

    private const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private const string QwenPattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <exception cref="CheckpointException">The file is missing, broken, or describes another kind of tokenizer.</exception>
    public static TokenizerJson Read(string folder)
    {
        var path = Path.Combine(folder, Name);
        try
        {
            using var document = JsonDocument.Parse(CheckpointFile.ReadAll(path));
            return Parse(path, document.RootElement);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new CheckpointException($"{path} can't be read as a tokenizer: {cause.Message}", cause);
        }
    }

    private static TokenizerJson Parse(string path, JsonElement root)
    {
        var model = root.GetProperty("model");
        Require(path, "model.type", Text(model, "type"), "BPE");
        foreach (var option in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
        {
            Require(path, $"model.{option}", Text(model, option), "");
        }

        foreach (var option in new[] { "fuse_unk", "byte_fallback", "ignore_merges" })
        {
            Require(path, $"model.{option}", IsOn(model, option) ? "true" : "false", "false");
        }

        if (model.TryGetProperty("dropout", out var dropout) && dropout.ValueKind == JsonValueKind.Number && dropout.GetDouble() != 0)
        {
            throw Unknown(path, "model.dropout", dropout.ToString(), "null");
        }

        var added = root.GetProperty("added_tokens").EnumerateArray().ToDictionary(t => t.GetProperty("content").GetString()!, t => t.GetProperty("id").GetInt32());
        var vocabulary = model.GetProperty("vocab").EnumerateObject().Where(t => !added.ContainsKey(t.Name)).ToDictionary(t => t.Name, t => t.Value.GetInt32());
        return new TokenizerJson(vocabulary, [.. model.GetProperty("merges").EnumerateArray().Select(Merge)], added, IsNfc(path, root), SplitOf(path, root));
    }

    /// <summary>Older files write a merge as "a b", newer ones as ["a", "b"].</summary>
    private static (string Left, string Right) Merge(JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.Array)
        {
            return (merge[0].GetString()!, merge[1].GetString()!);
        }

        var parts = merge.GetString()!.Split(' ');
        return parts is [var left, var right] ? (left, right) : throw new FormatException($"the merge '{merge}' is not two tokens");
    }

    private static bool IsNfc(string path, JsonElement root)
    {
        var type = root.TryGetProperty("normalizer", out var normalizer) ? Text(normalizer, "type") : "";
        return type switch
        {
            "" => false,
            "NFC" => true,
            _ => throw Unknown(path, "normalizer.type", type, "NFC or null"),
        };
    }

    private static SplitPattern SplitOf(string path, JsonElement root)
    {
        if (!root.TryGetProperty("pre_tokenizer", out var step) || step.ValueKind == JsonValueKind.Null)
        {
            throw Unknown(path, "pre_tokenizer", "null", "ByteLevel, or a Sequence of Split and ByteLevel");
        }

        JsonElement[] steps = Text(step, "type") == "Sequence" ? [.. step.GetProperty("pretokenizers").EnumerateArray()] : [step];
        var byteLevel = steps[^1];
        Require(path, "pre_tokenizer.type", Text(byteLevel, "type"), "ByteLevel");
        Require(path, "pre_tokenizer.add_prefix_space", IsOn(byteLevel, "add_prefix_space") ? "true" : "false", "false");
        var usesRegex = !byteLevel.TryGetProperty("use_regex", out _) || IsOn(byteLevel, "use_regex");
        return steps.Length switch
        {
            1 when usesRegex => SplitPattern.Gpt2,
            2 when !usesRegex => SplitOf(path, Regex(path, steps[0])),
            _ => throw Unknown(path, "pre_tokenizer", step.ToString(), "ByteLevel with use_regex, or a Split followed by ByteLevel without"),
        };
    }

    private static string Regex(string path, JsonElement split)
    {
        Require(path, "pre_tokenizer.type", Text(split, "type"), "Split");
        Require(path, "pre_tokenizer.behavior", Text(split, "behavior"), "Isolated");
        Require(path, "pre_tokenizer.invert", IsOn(split, "invert") ? "true" : "false", "false");
        return Text(split.GetProperty("pattern"), "Regex");
    }

    private static SplitPattern SplitOf(string path, string pattern) => pattern switch
    {
        Gpt2Pattern => SplitPattern.Gpt2,
        QwenPattern => SplitPattern.Qwen,
        _ => throw Unknown(path, "pre_tokenizer.pattern", pattern, $"{Gpt2Pattern} and {QwenPattern}"),
    };

    private static string Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetString()! : "";

    private static bool IsOn(JsonElement parent, string name) => parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    private static void Require(string path, string name, string value, string known)
    {
        if (value != known)
        {
            throw Unknown(path, name, value, known is "" ? "none" : known);
        }
    }

    private static CheckpointException Unknown(string path, string name, string value, string known) =>
        new($"{path}: {name} is '{value}', which is not implemented; known: {known}.");
}
