using System.Buffers.Binary;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>The formats of pictures that requests may bring.</summary>
public enum PictureKind { Png, Jpeg, Webp, Gif, Bmp }

/// <summary>What is said about formats of pictures.</summary>
public static class PictureKinds
{
    /// <summary>All of them.</summary>
    public const string Names = "PNG, JPEG, WebP, GIF or BMP";

    // Formats of pictures that are not read, by what their files begin with.
    private static readonly (byte[] Start, string Name)[] s_others =
    [
        ([(byte)'I', (byte)'I', 42, 0], "a TIFF picture"), ([(byte)'M', (byte)'M', 0, 42], "a TIFF picture"), ([0xFF, 0x0A], "a JPEG XL picture"),
        ([0, 0, 0, 12, (byte)'J', (byte)'X', (byte)'L', (byte)' '], "a JPEG XL picture"), ([0, 0, 0, 12, (byte)'j', (byte)'P', (byte)' ', (byte)' '], "a JPEG 2000 picture"),
        ([0, 0, 1, 0], "an icon"), ([.. "8BPS"u8], "a Photoshop picture"),
    ];

    /// <summary>As data URLs name it.</summary>
    public static string MediaTypeOf(PictureKind kind) => $"image/{kind.ToString().ToLowerInvariant()}";

    /// <summary>Why a file is no picture that can be read, continuing a sentence that begins with its name.</summary>
    public static string Refuse(ReadOnlySpan<byte> file) =>
        file.IsEmpty ? "is empty."
        : PictureHeader.KindOf(file) is { } kind ? $"begins as a {NameOf(kind)} picture, and its header is damaged or cut off."
        : OtherFormat(file) is { } other ? $"is {other}; {Names} can be read: convert it first."
        : $"is not a {Names} picture.";

    /// <summary>
    /// Whether a file seems to lack the end of its picture, found without decoding it: a JPEG without the marker EOI (more may follow it, as cameras do), a WebP with
    /// fewer bytes than it says, a PNG that ends inside its image data. A decoder has the last word, in both directions.
    /// </summary>
    public static bool LooksCut(ReadOnlySpan<byte> file) => PictureHeader.KindOf(file) switch
    {
        PictureKind.Jpeg => file.LastIndexOf([(byte)0xFF, (byte)0xD9]) < 0,
        PictureKind.Webp => BinaryPrimitives.ReadUInt32LittleEndian(file[4..]) + 8L > file.Length,
        PictureKind.Png => IsPngCut(file),
        _ => false,
    };

    public static string NameOf(PictureKind kind) => kind == PictureKind.Webp ? "WebP" : kind.ToString().ToUpperInvariant();

    /// <summary>A PNG without IEND is whole when its pixels are: the last bytes of the image data are a checksum.</summary>
    private static bool IsPngCut(ReadOnlySpan<byte> file)
    {
        const int withoutPixels = 16;
        for (long at = 8; at + 8 <= file.Length;)
        {
            var chunk = file[(int)at..];
            var end = at + 8 + BinaryPrimitives.ReadUInt32BigEndian(chunk);
            if (chunk[4..].StartsWith("IDAT"u8) && end > file.Length + withoutPixels) return true;
            at = end + 4;
        }
        return false;
    }

    /// <summary>HEIC and AVIF are files of boxes, the first of which names their brand.</summary>
    private static string? OtherFormat(ReadOnlySpan<byte> file)
    {
        if (file.Length >= 12 && file[4..].StartsWith("ftyp"u8))
        {
            var brand = file[8..];
            return brand.StartsWith("avi"u8) ? "an AVIF picture" : brand.StartsWith("he"u8) || brand.StartsWith("mif1"u8) || brand.StartsWith("msf1"u8) ? "a HEIC picture" : null;
        }
        foreach (var (start, name) in s_others)
            if (file.StartsWith(start)) return name;
        return null;
    }
}
