using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Emu3.Grains.Workers;

/// <summary>The hash of generated tokens, as results tell it: SHA-256 of their ids, each as 32 bits in little-endian order.</summary>
internal static class TokensHash
{
    public static byte[] Of(IReadOnlyList<int> tokens)
    {
        var bytes = new byte[4 * tokens.Count];
        for (var i = 0; i < tokens.Count; i++) BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4 * i), tokens[i]);
        return SHA256.HashData(bytes);
    }
}
