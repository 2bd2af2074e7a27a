using System.Buffers.Binary;

namespace Emu3.Inference.Vision.Containers;

/// <summary>The chunks of a WebP file (RFC 9649 §2.3) in their order, the pictures' among them.</summary>
ref struct WebpChunks(ReadOnlySpan<byte> file)
{
    private const int RiffHeader = 12, ChunkHeader = 8;

    private ReadOnlySpan<byte> _rest = file[Math.Min(file.Length, RiffHeader)..];

    public ReadOnlySpan<byte> Type { get; private set; }

    public ReadOnlySpan<byte> Content { get; private set; }

    /// <summary>The file ended inside a chunk.</summary>
    public bool IsCut { get; private set; }

    public static bool IsWebp(ReadOnlySpan<byte> file) =>
        file.Length >= RiffHeader + ChunkHeader && file.StartsWith("RIFF"u8) && file[8..12].SequenceEqual("WEBP"u8);

    /// <summary>Whether the file has fewer bytes than it says.</summary>
    public static bool IsShort(ReadOnlySpan<byte> file) => BinaryPrimitives.ReadUInt32LittleEndian(file[4..]) + 8L > file.Length;

    public bool MoveNext()
    {
        if (_rest.Length < ChunkHeader)
            return false;
        var length = BinaryPrimitives.ReadUInt32LittleEndian(_rest[4..]);
        if (length > _rest.Length - ChunkHeader)
        {
            IsCut = true;
            return false;
        }
        Type = _rest[..4];
        Content = _rest.Slice(ChunkHeader, (int)length);
        _rest = _rest[Math.Min(_rest.Length, ChunkHeader + (int)length + (int)(length & 1))..];
        return true;
    }

    /// <summary>The first chunk of a type; false where there is none.</summary>
    public static bool TryFind(ReadOnlySpan<byte> file, ReadOnlySpan<byte> type, out ReadOnlySpan<byte> content)
    {
        var chunks = new WebpChunks(file);
        while (chunks.MoveNext())
        {
            if (!chunks.Type.SequenceEqual(type))
                continue;
            content = chunks.Content;
            return true;
        }
        if (chunks.IsCut)
            throw new PictureException("the WebP file is truncated inside a chunk");
        content = [];
        return false;
    }
}
