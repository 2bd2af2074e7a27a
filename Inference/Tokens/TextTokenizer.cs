using System.Buffers;
using System.Text;
using Emu3.Inference.Weights;
using Microsoft.ML.Tokenizers;

namespace Emu3.Inference.Tokens;

/// <summary>
/// Text to token ids and back, as the checkpoint's own files say. It knows no special token: whatever a text spells, only text tokens come out of it.
/// (Microsoft.ML.Tokenizers could be told the special ones, but keeps them in a cache that forgets.) Safe from any thread.
/// </summary>
public sealed class TextTokenizer
{
    private readonly Tokenizer tokenizer;
    private readonly bool normalizes;
    private readonly byte[]?[] bytes;

    private TextTokenizer(Tokenizer tokenizer, bool normalizes, byte[]?[] bytes)
    {
        this.tokenizer = tokenizer;
        this.normalizes = normalizes;
        this.bytes = bytes;
    }

    /// <summary>Reads <c>tokenizer.json</c>, or in the original layout <c>emu3.tiktoken</c>.</summary>
    /// <exception cref="CheckpointException">A file is missing, broken, or describes another kind of tokenizer.</exception>
    /// <exception cref="PlatformNotSupportedException">This process can't normalise text.</exception>
    public static TextTokenizer Load(ModelFolder folder)
    {
        var loaded = folder.IsOriginal ? FromTiktoken(folder.Language) : FromTokenizerJson(folder.Language);
        if (loaded.normalizes && "e\u0301".Normalize() != "é")
        {
            throw new PlatformNotSupportedException(
                "This process can't bring text to Unicode's form NFC, so prompts would become other tokens than the model knows. Run it without DOTNET_SYSTEM_GLOBALIZATION_INVARIANT, with ICU installed.");
        }

        return loaded;
    }

    /// <summary>The tokens of a text. Half a surrogate pair counts as U+FFFD.</summary>
    public IReadOnlyList<int> Encode(string text)
    {
        if (text.AsSpan().ContainsAnyInRange('\ud800', '\udfff'))
        {
            text = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        }

        return tokenizer.EncodeToIds(normalizes ? CanonicalText.Compose(text) : text);
    }

    /// <summary>The bytes of a text token, often only a part of a character; none for a special token and for an id that no token has.</summary>
    public ReadOnlySpan<byte> BytesOf(int id) => (uint)id < (uint)bytes.Length ? bytes[id] : [];

    /// <summary>The text of tokens. Special tokens give none; bytes that are no character give U+FFFD.</summary>
    public string Decode(ReadOnlySpan<int> ids)
    {
        var text = new ArrayBufferWriter<byte>();
        foreach (var id in ids)
        {
            text.Write(BytesOf(id));
        }

        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    private static TextTokenizer FromTiktoken(string folder)
    {
        var tokens = TiktokenFile.Read(folder);
        RequireAllBytes(Path.Combine(folder, TiktokenFile.Name), tokens);
        using var file = File.OpenRead(Path.Combine(folder, TiktokenFile.Name));
        return new TextTokenizer(TiktokenTokenizer.Create(file, TextSplitter.For(SplitPattern.Qwen), normalizer: null), normalizes: true, [.. tokens]);
    }

    private static TextTokenizer FromTokenizerJson(string folder)
    {
        var json = TokenizerJson.Read(folder);
        var bytes = new byte[]?[json.Vocabulary.Values.Max() + 1];
        foreach (var (spelling, id) in json.Vocabulary)
        {
            bytes[id] = ByteAlphabet.BytesOf(spelling) ?? throw new CheckpointException($"{Path.Combine(folder, TokenizerJson.Name)}: the token '{spelling}' has a character that stands for no byte.");
        }

        RequireAllBytes(Path.Combine(folder, TokenizerJson.Name), bytes);
        var bpe = BpeTokenizer.Create(new BpeOptions(json.Vocabulary)
        {
            Merges = json.Merges.Select(merge => $"{merge.Left} {merge.Right}"),
            PreTokenizer = TextSplitter.For(json.Split),
            ByteLevel = true,
        });
        return new TextTokenizer(bpe, json.Normalizes, bytes);
    }

    /// <summary>With a token for every byte there is no text that can't be encoded.</summary>
    private static void RequireAllBytes(string path, IEnumerable<byte[]?> tokens)
    {
        var single = tokens.Where(token => token is [_]).Select(token => token![0]).ToHashSet();
        if (single.Count < 256)
        {
            throw new CheckpointException($"{path} has no token for the byte 0x{Enumerable.Range(0, 256).First(b => !single.Contains((byte)b)):x2}.");
        }
    }
}
