namespace Emu3.Inference.Tokens;

/// <summary>
/// How byte-level vocabularies spell bytes as printable characters (GPT-2, <c>encoder.py</c>, bytes_to_unicode): printable Latin-1 bytes stand for themselves,
/// the others take the characters from U+0100 on, in order.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly Dictionary<char, byte> s_bytes = Build();

    /// <summary>The bytes that a token's spelling stands for; null when a character stands for none.</summary>
    public static byte[]? BytesOf(string spelling)
    {
        var bytes = new byte[spelling.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            if (!s_bytes.TryGetValue(spelling[i], out bytes[i]))
            {
                return null;
            }
        }

        return bytes;
    }

    private static Dictionary<char, byte> Build()
    {
        var bytes = new Dictionary<char, byte>();
        var next = '\u0100';
        for (var value = 0; value < 256; value++)
        {
            var isPrintable = value is >= '!' and <= '~' or >= 0xa1 and <= 0xac or >= 0xae;
            bytes[isPrintable ? (char)value : next++] = (byte)value;
        }

        return bytes;
    }
}
