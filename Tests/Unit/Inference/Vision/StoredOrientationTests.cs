using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Emu3.Inference.Vision;

namespace Emu3.Tests.Unit.Inference.Vision;

/// <summary>Wherever a file tells its orientation, the picture comes out upright, and as Pillow's <c>exif_transpose</c> decides where it is told twice.</summary>
[Trait("Suite", "Fast")]
public sealed class StoredOrientationTests
{
    private const long Limit = 10_000;

    // Two pixels wide, one high: three of the four pairs of orientations differ in it, and the fourth in which pixel is first.
    private static readonly Picture s_stored = new(2, 1, [250, 5, 5, 5, 5, 250]);

    private static readonly Dictionary<string, Func<byte[], byte[], byte[]>> s_carriers = new()
    {
        ["png eXIf before the pixels"] = (exif, _) => Png(PngText.Chunk("eXIf"u8, exif), []),
        ["png eXIf behind the pixels"] = (exif, _) => Png([], PngText.Chunk("eXIf"u8, exif)),
        ["png eXIf with JPEG's prefix"] = (exif, _) => Png(PngText.Chunk("eXIf"u8, [.. "Exif\0\0"u8, .. exif]), []),
        ["png profile in zTXt"] = (exif, _) => Png(PngText.Chunk("zTXt"u8, [.. "Raw profile type exif\0\0"u8, .. Zlib(Profile(exif))]), []),
        ["png profile in zTXt behind"] = (exif, _) => Png([], PngText.Chunk("zTXt"u8, [.. "Raw profile type exif\0\0"u8, .. Zlib(Profile(exif))])),
        ["png profile in tEXt"] = (exif, _) => Png(PngText.Chunk("tEXt"u8, [.. "Raw profile type exif\0"u8, .. Profile(exif)]), []),
        ["png XMP"] = (_, xmp) => Png(PngText.Chunk("iTXt"u8, [.. "XML:com.adobe.xmp\0\0\0\0\0"u8, .. xmp]), []),
        ["png XMP compressed, behind"] = (_, xmp) => Png([], PngText.Chunk("iTXt"u8, [.. "XML:com.adobe.xmp\0\u0001\0en\0\0"u8, .. Zlib(xmp)])),
        ["webp EXIF"] = (exif, _) => Webp(0x08, ("EXIF", exif)),
        ["webp EXIF with JPEG's prefix"] = (exif, _) => Webp(0x08, ("EXIF", [.. "Exif\0\0"u8, .. exif])),
        ["webp XMP"] = (_, xmp) => Webp(0x04, ("XMP ", xmp)),
        ["jpeg EXIF"] = (exif, _) => Jpeg([.. "Exif\0\0"u8, .. exif]),
        ["jpeg XMP"] = (_, xmp) => Jpeg([.. "http://ns.adobe.com/xap/1.0/\0"u8, .. xmp]),
        ["jpeg EXIF over two segments"] = (exif, _) => Jpeg([.. "Exif\0\0"u8, .. exif[..12]], [.. "Exif\0\0"u8, .. exif[12..]]),
    };

    public static TheoryData<string> Carriers => [.. s_carriers.Keys];

    [Theory, MemberData(nameof(Carriers))]
    public void Decode_WhereverTheOrientationStands_IsUpright(string carrier)
    {
        for (byte orientation = 0; orientation <= 9; orientation++)
        {
            foreach (var isBigEndian in (bool[])[true, false])
                AssertOrientation(orientation is >= 1 and <= 8 ? orientation : 1, s_carriers[carrier](Exif(orientation, isBigEndian: isBigEndian), Xmp(orientation, orientation % 2 == 0)));
        }
    }

    [Fact]
    public void Decode_ExifAndXmpDiffer_ExifCounts()
    {
        AssertOrientation(6, Jpeg([.. "http://ns.adobe.com/xap/1.0/\0"u8, .. Xmp(3)], [.. "Exif\0\0"u8, .. Exif(6)]));
        AssertOrientation(6, Webp(0x0C, ("EXIF", Exif(6)), ("XMP ", Xmp(3))));
        AssertOrientation(6, Png([.. XmpChunk(3), .. PngText.Chunk("eXIf"u8, Exif(6))], []));
        AssertOrientation(1, Png([.. XmpChunk(3), .. PngText.Chunk("eXIf"u8, Exif(1))], []));
    }

    [Fact]
    public void Decode_ExifWithoutTheTag_XmpCounts() => AssertOrientation(3, Png([.. XmpChunk(3), .. PngText.Chunk("eXIf"u8, Exif(6, tag: 271))], []));

    [Fact]
    public void Decode_TagThatIsNoNumber_IsAsStored_AndXmpIsNotAsked() => AssertOrientation(1, Png([.. XmpChunk(3), .. PngText.Chunk("eXIf"u8, Exif(6, type: 2))], []));

    [Fact]
    public void Decode_ToldTwiceInOneWay_TheLaterCounts()
    {
        AssertOrientation(8, Png(PngText.Chunk("eXIf"u8, Exif(6)), PngText.Chunk("eXIf"u8, Exif(8))));
        AssertOrientation(8, Png(XmpChunk(6), XmpChunk(8)));
    }

    [Fact]
    public void Decode_ChunkAndOldProfileDiffer_TheChunkCounts() =>
        AssertOrientation(6, Png([.. PngText.Chunk("eXIf"u8, Exif(6)), .. PngText.Chunk("tEXt"u8, [.. "Raw profile type exif\0"u8, .. Profile(Exif(8))])], []));

    [Fact]
    public void Decode_WebpWhoseHeaderDoesNotAnnounceTheExif_IsAsStored() => AssertOrientation(1, Webp(0, ("EXIF", Exif(6))));

    [Theory]
    [InlineData("")]
    [InlineData("MM")]
    [InlineData("no TIFF at all, but long enough")]
    [InlineData("MM\0*\0\0\0\u0008")]
    [InlineData("MM\0*\u007F\u007F\u007F\u007F\0\u0001")]
    [InlineData("II*\0\u0008\0\0\0\u007F\u007F")]
    public void Decode_DamagedExif_IsAsStored(string exif) => AssertOrientation(1, Png(PngText.Chunk("eXIf"u8, Encoding.Latin1.GetBytes(exif)), []));

    [Theory]
    [InlineData("Raw profile type exif\0\0not compressed")]
    [InlineData("Raw profile type exif\0\u0001")]
    [InlineData("Raw profile type exif\0")]
    [InlineData("Raw profile type exif")]
    public void Decode_DamagedText_IsAsStored(string text) => AssertOrientation(1, Png(PngText.Chunk("zTXt"u8, Encoding.Latin1.GetBytes(text)), []));

    private static void AssertOrientation(int orientation, byte[] file)
    {
        var isTransposed = orientation >= 5;
        var picture = PictureFiles.Decode(file, Limit);
        Assert.Equal(isTransposed ? (1, 2) : (2, 1), (picture.Width, picture.Height));
        Assert.Equal(isTransposed ? (1, 2) : (2, 1), PictureFiles.ReadUprightSize(file, Limit));
        Assert.Equal(orientation is 2 or 3 or 7 or 8, picture.Rgb[0] < picture.Rgb[2]);
    }

    /// <summary>A TIFF with one tag.</summary>
    private static byte[] Exif(byte orientation, bool isBigEndian = true, byte type = 3, ushort tag = 274)
    {
        var exif = new byte[26];
        (isBigEndian ? "MM\0*\0\0\0\u0008\0\u0001"u8 : "II*\0\u0008\0\0\0\u0001\0"u8).CopyTo(exif);
        if (isBigEndian)
            BinaryPrimitives.WriteUInt16BigEndian(exif.AsSpan(10), tag);
        else
            BinaryPrimitives.WriteUInt16LittleEndian(exif.AsSpan(10), tag);
        exif[isBigEndian ? 13 : 12] = type;
        exif[isBigEndian ? 17 : 14] = 1;
        exif[isBigEndian ? 19 : 18] = orientation;
        return exif;
    }

    private static byte[] Xmp(byte orientation, bool asElement = false) => Encoding.UTF8.GetBytes(asElement
        ? $"<rdf:Description><tiff:Orientation>{orientation}</tiff:Orientation></rdf:Description>"
        : $"<rdf:Description tiff:Orientation=\"{orientation}\"/>");

    private static byte[] XmpChunk(byte orientation) => PngText.Chunk("iTXt"u8, [.. "XML:com.adobe.xmp\0\0\0\0\0"u8, .. Xmp(orientation)]);

    private static byte[] Profile(byte[] exif) =>
        Encoding.ASCII.GetBytes($"\nexif\n{exif.Length,8}\n{string.Join('\n', Convert.ToHexStringLower([.. "Exif\0\0"u8, .. exif]).Chunk(72).Select(line => new string(line)))}\n");

    private static byte[] Png(byte[] before, byte[] behind)
    {
        var file = PictureFiles.Encode(s_stored, PictureFormat.Png);
        var (data, end) = (file.AsSpan().IndexOf("IDAT"u8) - 4, file.AsSpan().IndexOf("IEND"u8) - 4);
        return [.. file[..data], .. before, .. file[data..end], .. behind, .. file[end..]];
    }

    private static byte[] Webp(byte flags, params (string Type, byte[] Content)[] chunks)
    {
        byte[] simple = PictureFiles.Encode(s_stored, PictureFormat.Webp, quality: 100)[12..];
        byte[] body = [.. "WEBPVP8X"u8, 10, 0, 0, 0, flags, 0, 0, 0, 1, 0, 0, 0, 0, 0, .. simple, .. chunks.SelectMany(chunk => (byte[])
            [.. Encoding.ASCII.GetBytes(chunk.Type), .. BitConverter.GetBytes(chunk.Content.Length), .. chunk.Content, .. new byte[chunk.Content.Length % 2]])];
        return [.. "RIFF"u8, .. BitConverter.GetBytes(body.Length), .. body];
    }

    private static byte[] Jpeg(params byte[][] segments)
    {
        var file = PictureFiles.Encode(s_stored, PictureFormat.Jpeg, quality: 100);
        return [.. file[..2], .. segments.SelectMany(content => (byte[])[0xFF, 0xE1, (byte)(content.Length + 2 >> 8), (byte)(content.Length + 2), .. content]), .. file[2..]];
    }

    private static byte[] Zlib(byte[] text)
    {
        using var buffer = new MemoryStream();
        using (var zlib = new ZLibStream(buffer, CompressionLevel.Fastest))
            zlib.Write(text);
        return buffer.ToArray();
    }
}
