using System.Text;

namespace Emu3.Inference.Tokens;

/// <summary>
/// Text out of tokens as they come: each call gives the characters that its token completed. A character whose bytes are spread over tokens appears whole, with the last of them.
/// All pieces together are what <see cref="TextTokenizer.Decode"/> gives for all tokens. One decoder for each sequence.
/// </summary>
public sealed class StreamingDecoder(TextTokenizer tokenizer)
{
    private readonly Decoder decoder = Encoding.UTF8.GetDecoder();

    /// <summary>The characters that this token completed; "" inside a character and for special tokens.</summary>
    public string Push(int tokenId) => Convert(tokenizer.BytesOf(tokenId), flush: false);

    /// <summary>What is left at the end: U+FFFD for a character that was never completed, else "".</summary>
    public string Flush() => Convert([], flush: true);

    private string Convert(ReadOnlySpan<byte> bytes, bool flush)
    {
        Span<char> characters = stackalloc char[64];
        var most = Encoding.UTF8.GetMaxCharCount(bytes.Length);
        characters = most <= characters.Length ? characters : new char[most];
        return new string(characters[..decoder.GetChars(bytes, characters, flush)]);
    }
}
