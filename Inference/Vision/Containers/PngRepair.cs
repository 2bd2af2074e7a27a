using System.Buffers.Binary;
using System.IO.Compression;

namespace Emu3.Inference.Vision.Containers;

/// <summary>
/// PNG image data that libpng refuses although all pixels are there: a wrong checksum of an IDAT chunk, or no checksum behind the compressed data. Pillow reads these, and
/// they occur: cameras' and scanners' software, files patched by hand.
/// </summary>
static class PngRepair
{
    /// <summary>The file with its image data compressed anew; null when pixels are missing or damaged.</summary>
    /// <param name="reduced">From <see cref="PngPixels.Reduce"/>.</param>
    public static byte[]? TryMend(ReadOnlySpan<byte> reduced)
    {
        var mended = new MemoryStream(reduced.Length + 1024);
        mended.Write(PngText.Signature);
        var data = new MemoryStream();
        long expected = 0;
        foreach (var chunk in new PngChunks(reduced))
        {
            if (chunk.Is("IDAT"u8))
            {
                data.Write(chunk.Content);
                continue;
            }
            if (chunk.Is("IHDR"u8))
                expected = BytesOfPixels(chunk.Content);
            if (!chunk.Is("IEND"u8))
                mended.Write(chunk.Bytes);
        }
        if (Recompress(data.ToArray(), expected) is not { } zlib)
            return null;
        mended.Write(PngText.Chunk("IDAT"u8, zlib));
        mended.Write(PngText.Chunk("IEND"u8, []));
        return mended.ToArray();
    }

    private static byte[]? Recompress(byte[] zlib, long expected)
    {
        if (zlib.Length < 2 || expected <= 0)
            return null;
        var compressed = new OneByteAtATime(zlib, start: 2);
        using var inflated = new DeflateStream(compressed, CompressionMode.Decompress);
        var result = new MemoryStream();
        try
        {
            using (var deflated = new ZLibStream(result, CompressionLevel.Fastest, leaveOpen: true))
            {
                var buffer = new byte[1 << 16];
                while (expected > 0)
                {
                    var count = inflated.Read(buffer, 0, (int)Math.Min(expected, buffer.Length));
                    if (count == 0)
                        return null;
                    deflated.Write(buffer, 0, count);
                    expected -= count;
                }
            }
        }
        catch (InvalidDataException)
        {
            return null; // cut or damaged before the last pixel
        }
        return IsChecksumWrong() ? null : result.ToArray();

        // The four bytes behind the compressed data, where they are there: equal to those of the same data compressed anew.
        bool IsChecksumWrong()
        {
            try
            {
                return inflated.ReadByte() < 0 && zlib.Length - compressed.Position >= 4
                    && !zlib.AsSpan((int)compressed.Position, 4).SequenceEqual(result.GetBuffer().AsSpan((int)result.Length - 4, 4));
            }
            catch (InvalidDataException)
            {
                return false; // the data has no end; all pixels came before
            }
        }
    }

    /// <summary>Bytes that the compressed data must give: for each row one for its filter, and its pixels.</summary>
    private static long BytesOfPixels(ReadOnlySpan<byte> header)
    {
        if (header.Length < 13)
            return 0;
        long width = BinaryPrimitives.ReadUInt32BigEndian(header), height = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        long bits = header[8] * header[9] switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
        if (header[12] == 0)
            return height * (1 + (width * bits + 7) / 8);
        // Adam7: seven small pictures, each with its first pixel and its steps.
        (int X, int Y, int StepX, int StepY)[] passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
        return passes.Sum(pass =>
        {
            var (columns, rows) = ((width - pass.X + pass.StepX - 1) / pass.StepX, (height - pass.Y + pass.StepY - 1) / pass.StepY);
            return columns > 0 && rows > 0 ? rows * (1 + (columns * bits + 7) / 8) : 0;
        });
    }

    /// <summary>So that its position, when the data has ended, is where the data ends: readers fill their buffers otherwise.</summary>
    private sealed class OneByteAtATime(byte[] bytes, int start) : Stream
    {
        private int _at = start;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => _at; set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            if (_at == bytes.Length || buffer.IsEmpty)
                return 0;
            buffer[0] = bytes[_at++];
            return 1;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
