using System.Buffers.Binary;

namespace Emu3.Inference.Vision.Containers;

/// <summary>
/// The chunks of a PNG file (ISO 15948 §5.3) in their order, up to and with IEND. A file may end before it: the last chunk is then given as far as it is
/// there, and is not <see cref="Chunk.IsWhole"/>. Checksums are not looked at.
/// </summary>
ref struct PngChunks(ReadOnlySpan<byte> file)
{
    private const int Frame = 12; // length, type, checksum

    private ReadOnlySpan<byte> _rest = file.Length < 8 ? [] : file[8..];

    /// <summary>One chunk.</summary>
    /// <param name="type">Four letters.</param>
    /// <param name="content">What is there of it.</param>
    /// <param name="bytes">The chunk with its frame, as far as it is there.</param>
    /// <param name="isWhole">All of its content is there.</param>
    public readonly ref struct Chunk(ReadOnlySpan<byte> type, ReadOnlySpan<byte> content, ReadOnlySpan<byte> bytes, bool isWhole)
    {
        public ReadOnlySpan<byte> Type { get; } = type;
        public ReadOnlySpan<byte> Content { get; } = content;
        public ReadOnlySpan<byte> Bytes { get; } = bytes;
        public bool IsWhole { get; } = isWhole;

        /// <summary>The four bytes behind the content are there.</summary>
        public bool HasChecksum => Bytes.Length == Content.Length + Frame;

        public bool Is(ReadOnlySpan<byte> type) => Type.SequenceEqual(type);
    }

    public Chunk Current { get; private set; }

    public readonly PngChunks GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_rest.Length < 8)
            return false;
        var length = BinaryPrimitives.ReadUInt32BigEndian(_rest);
        var isWhole = length <= _rest.Length - 8;
        var contentEnd = isWhole ? 8 + (int)length : _rest.Length;
        var end = isWhole ? Math.Min(_rest.Length, Frame + (int)length) : _rest.Length;
        Current = new(_rest[4..8], _rest[8..contentEnd], _rest[..end], isWhole);
        _rest = Current.Is("IEND"u8) ? [] : _rest[end..];
        return true;
    }
}
