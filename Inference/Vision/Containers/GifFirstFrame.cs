using System.Buffers.Binary;

namespace Emu3.Inference.Vision.Containers;

/// <summary>
/// The first picture of a GIF file (GIF89a specification), and where it lies on the screen, which grows to hold it. Transparency and the background colour are
/// a viewer's affair: as with Pillow, a transparent pixel has the colour of its palette entry, and the screen around the picture that of the transparent
/// entry, else of the first.
/// </summary>
sealed class GifFirstFrame
{
    private const int ScreenHeader = 13, Descriptor = 9, PaletteBytes = 3 * 256;
    private const byte Extension = 0x21, Image = 0x2C, Trailer = 0x3B, GraphicControl = 0xF9;

    private readonly byte[] _palette;
    private readonly byte _fill;
    private readonly byte[] _image;
    private readonly bool _isInterlaced;

    private GifFirstFrame(ReadOnlySpan<byte> screen, ReadOnlySpan<byte> descriptor, byte[] palette, byte fill, byte[] image)
    {
        (Left, Top) = (U16(descriptor), U16(descriptor[2..]));
        (Width, Height) = (U16(descriptor[4..]), U16(descriptor[6..]));
        (ScreenWidth, ScreenHeight) = (Math.Max(U16(screen[6..]), Left + Width), Math.Max(U16(screen[8..]), Top + Height));
        _isInterlaced = (descriptor[8] & 0x40) != 0;
        (_palette, _fill, _image) = (palette, fill, image);
    }

    public int ScreenWidth { get; }
    public int ScreenHeight { get; }

    /// <summary>Of the picture on the screen, in pixels.</summary>
    public int Left { get; }
    public int Top { get; }
    public int Width { get; }
    public int Height { get; }

    /// <summary>Colour of the screen around the picture.</summary>
    public ReadOnlySpan<byte> Surroundings => _palette.AsSpan(3 * _fill, 3);

    /// <exception cref="PictureException">There is no picture in the file.</exception>
    public static GifFirstFrame Find(ReadOnlySpan<byte> file)
    {
        if (file.Length < ScreenHeader)
            throw Truncated();
        var at = ScreenHeader;
        var shared = ReadPalette(file, file[10], ref at);
        byte? transparent = null;
        while (at < file.Length && file[at] != Trailer)
        {
            switch (file[at++])
            {
                case Extension when at < file.Length:
                    var isControl = file[at++] == GraphicControl;
                    if (isControl && at + 4 < file.Length && file[at] >= 4 && (file[at + 1] & 1) != 0)
                        transparent = file[at + 4];
                    at = EndOfBlocks(file, at);
                    break;
                case Image when at + Descriptor <= file.Length:
                    var descriptor = file.Slice(at, Descriptor);
                    at += Descriptor;
                    var palette = ReadPalette(file, descriptor[8], ref at) ?? shared;
                    var end = at < file.Length ? EndOfBlocks(file, at + 1) : file.Length; // behind one byte of code size
                    var frame = new GifFirstFrame(file, descriptor, Whole(palette), transparent ?? 0, file[Math.Min(at, file.Length)..end].ToArray());
                    return frame is { Width: > 0, Height: > 0 } ? frame : throw new PictureException("the GIF file is damaged: its first picture has no pixels");
                default:
                    break; // other bytes are passed over
            }
        }
        throw at >= file.Length ? Truncated() : new PictureException("the GIF file has no picture in it");
    }

    /// <summary>A file of this picture alone: a whole palette, no transparency, a screen of its size.</summary>
    public byte[] ToFile()
    {
        var screen = new byte[ScreenHeader];
        "GIF89a"u8.CopyTo(screen);
        BinaryPrimitives.WriteUInt16LittleEndian(screen.AsSpan(6), (ushort)Width);
        BinaryPrimitives.WriteUInt16LittleEndian(screen.AsSpan(8), (ushort)Height);
        screen[10] = 0xF7; // 256 colours follow
        byte[] descriptor = [Image, 0, 0, 0, 0, screen[6], screen[7], screen[8], screen[9], (byte)(_isInterlaced ? 0x40 : 0)];
        return [.. screen, .. _palette, .. descriptor, .. _image, 0, Trailer];
    }

    private static byte[]? ReadPalette(ReadOnlySpan<byte> file, byte flags, ref int at)
    {
        if ((flags & 0x80) == 0)
            return null;
        var start = at;
        at += 3 << ((flags & 7) + 1);
        return at <= file.Length ? file[start..at].ToArray() : throw Truncated();
    }

    /// <summary>Without a palette, or with one that numbers the shades of gray, pixels are gray. A short palette is filled up with black.</summary>
    private static byte[] Whole(byte[]? palette)
    {
        var whole = new byte[PaletteBytes];
        var isGray = palette is null || palette.Index().All(entry => entry.Item == entry.Index / 3);
        for (var i = 0; i < PaletteBytes; i++)
            whole[i] = isGray ? (byte)(i / 3) : i < palette!.Length ? palette[i] : (byte)0;
        return whole;
    }

    /// <summary>Behind the last block of data that is not empty; blocks tell their lengths.</summary>
    private static int EndOfBlocks(ReadOnlySpan<byte> file, int at)
    {
        while (at < file.Length && file[at] != 0)
            at += 1 + file[at];
        return Math.Min(at, file.Length);
    }

    private static int U16(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    private static PictureException Truncated() => new("the GIF file is truncated: it ends before its first picture");
}
