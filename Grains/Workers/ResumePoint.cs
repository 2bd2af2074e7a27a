using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Emu3.Grains.Workers;

/// <summary>
/// Tokens of an unfinished item, as a small file of the blob store. It helps only the same item in the same numeric class; a lost, damaged or
/// foreign one costs the time to generate its tokens again.
/// </summary>
/// <param name="Tokens">All generated token ids, in order.</param>
/// <param name="Pieces">For text: the characters of each token.</param>
public sealed record ResumePoint(IReadOnlyList<int> Tokens, IReadOnlyList<string>? Pieces)
{
    private const int HashBytes = 32;
    private static ReadOnlySpan<byte> Magic => "E3CK\x01"u8;

    /// <summary>Magic and version, SHA-256 of the rest, then deflated: item's hash, numeric class, tokens, pieces.</summary>
    public byte[] Encode(string numericClass, byte[] specHash)
    {
        using var file = new MemoryStream();
        file.Write(Magic);
        file.Write(stackalloc byte[HashBytes]);
        using (var deflate = new DeflateStream(file, CompressionLevel.Fastest, leaveOpen: true))
        using (var writer = new BinaryWriter(deflate, Encoding.UTF8))
        {
            writer.Write(specHash);
            writer.Write(numericClass);
            writer.Write7BitEncodedInt(Tokens.Count);
            foreach (var token in Tokens) writer.Write7BitEncodedInt(token);
            writer.Write(Pieces is not null);
            foreach (var piece in Pieces ?? []) writer.Write(piece);
        }

        var bytes = file.ToArray();
        SHA256.HashData(bytes.AsSpan(Magic.Length + HashBytes), bytes.AsSpan(Magic.Length));
        return bytes;
    }

    /// <summary>The resume point in a file; null when it is damaged, or of another item or numeric class.</summary>
    public static ResumePoint? Decode(byte[]? bytes, string numericClass, byte[] specHash)
    {
        var start = Magic.Length + HashBytes;
        if (bytes is null || bytes.Length < start || !bytes.AsSpan().StartsWith(Magic)) return null;
        if (!SHA256.HashData(bytes.AsSpan(start)).AsSpan().SequenceEqual(bytes.AsSpan(Magic.Length, HashBytes))) return null;
        using var deflate = new DeflateStream(new MemoryStream(bytes, start, bytes.Length - start), CompressionMode.Decompress);
        using var reader = new BinaryReader(deflate, Encoding.UTF8);
        if (!reader.ReadBytes(HashBytes).AsSpan().SequenceEqual(specHash) || reader.ReadString() != numericClass) return null;
        var tokens = new int[reader.Read7BitEncodedInt()];
        for (var i = 0; i < tokens.Length; i++) tokens[i] = reader.Read7BitEncodedInt();
        if (!reader.ReadBoolean()) return new(tokens, null);
        var pieces = new string[tokens.Length];
        for (var i = 0; i < pieces.Length; i++) pieces[i] = reader.ReadString();
        return new(tokens, pieces);
    }
}
