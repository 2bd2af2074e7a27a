using Emu3.Inference.Vision.Containers;
using SkiaSharp;

namespace Emu3.Inference.Vision;

/// <summary>
/// Reads PNG, JPEG, WebP, GIF and BMP; writes the first three. A file becomes RGB as Pillow's <c>ImageOps.exif_transpose</c> and <c>convert("RGB")</c> make it: the
/// orientation of EXIF or XMP is applied, alpha is dropped, not blended, gray and palette are expanded, colour profiles are ignored, an animation is its first
/// frame. One thing differs: of 16 bits a sample the upper 8 count, in gray pictures too, which Pillow cuts off at white. Needs no libtorch.
/// </summary>
public static class PictureFiles
{
    /// <summary>The formats that are read, as people call them.</summary>
    public const string Formats = "PNG, JPEG, WebP, GIF or BMP";

    /// <summary>Reads the header only: nothing of the picture's size is allocated.</summary>
    /// <exception cref="PictureException">A file of no format that is read, or its header is damaged.</exception>
    public static PictureHeader ReadHeader(ReadOnlySpan<byte> file)
    {
        var format = FormatOf(file);
        if (format == SourceFormat.Gif)
        {
            var frame = GifFirstFrame.Find(file);
            return new(format, frame.ScreenWidth, frame.ScreenHeight);
        }
        using var codec = Open(ForDecoder(file, format), format);
        return new(format, codec.Info.Width, codec.Info.Height);
    }

    /// <summary>Size of the picture that <see cref="Decode"/> gives, with the orientation applied; decodes nothing.</summary>
    /// <param name="file">All bytes of the file: some formats tell the orientation at their end.</param>
    /// <param name="maxPixels">More are refused.</param>
    /// <exception cref="PictureException">Unknown format, damaged header, too many pixels.</exception>
    public static (int Width, int Height) ReadUprightSize(ReadOnlySpan<byte> file, long maxPixels)
    {
        var header = ReadHeader(file);
        RequirePixels(header, maxPixels);
        return StoredOrientation.IsTransposed(StoredOrientation.Of(file, header.Format)) ? (header.Height, header.Width) : (header.Width, header.Height);
    }

    /// <summary>The picture in a file.</summary>
    /// <param name="file">All bytes of the file.</param>
    /// <param name="maxPixels">Checked in the header, before anything is decoded.</param>
    /// <exception cref="PictureException">Unknown format, too many pixels, truncated or damaged.</exception>
    public static Picture Decode(ReadOnlySpan<byte> file, long maxPixels)
    {
        var header = ReadHeader(file);
        RequirePixels(header, maxPixels);
        var rgba = header.Format switch
        {
            SourceFormat.Png => PixelsOfPng(file),
            SourceFormat.Gif => PixelsOfGif(file),
            _ => Pixels(ForDecoder(file, header.Format), header.Format),
        };
        if (header.Format == SourceFormat.Bmp)
            BmpPixels.RoundDown(file, rgba);
        return PictureOrientation.Upright(rgba, header.Width, header.Height, StoredOrientation.Of(file, header.Format));
    }

    /// <summary>A file of the picture.</summary>
    /// <param name="picture">What to write.</param>
    /// <param name="format">Which file format.</param>
    /// <param name="quality">0 to 100. PNG ignores it; WebP at 100 is lossless.</param>
    /// <param name="metadata">Text to embed (see <see cref="PictureMetadata"/>), or null.</param>
    /// <exception cref="ArgumentException">The metadata can't be embedded: see <see cref="PictureMetadata.Embed"/>.</exception>
    public static unsafe byte[] Encode(Picture picture, PictureFormat format, int quality = 90, string? metadata = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(quality);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quality, 100);
        var rgba = WithAlpha(picture.Rgb);
        fixed (byte* pixels = rgba)
        {
            using var pixmap = new SKPixmap(
                new SKImageInfo(picture.Width, picture.Height, SKColorType.Rgba8888, SKAlphaType.Opaque), (nint)pixels, 4 * picture.Width);
            using var data = format switch
            {
                PictureFormat.Png => pixmap.Encode(new SKPngEncoderOptions(SKPngEncoderFilterFlags.Sub, 3)),
                PictureFormat.Jpeg => pixmap.Encode(new SKJpegEncoderOptions(
                    quality, quality < 90 ? SKJpegEncoderDownsample.Downsample420 : SKJpegEncoderDownsample.Downsample444, SKJpegEncoderAlphaOption.Ignore)),
                PictureFormat.Webp => pixmap.Encode(quality == 100
                    ? new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossless, 50)
                    : new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossy, quality)),
                _ => throw new ArgumentOutOfRangeException(nameof(format), format, null),
            } ?? throw new ArgumentException($"a picture of {picture.Width}×{picture.Height} pixels does not fit a {Name(format)} file", nameof(picture));
            return metadata is null ? data.ToArray() : PictureMetadata.Embed(data.AsSpan(), format, metadata);
        }
    }

    private static byte[] PixelsOfPng(ReadOnlySpan<byte> file)
    {
        var reduced = PngPixels.Reduce(file);
        try
        {
            return Pixels(reduced, SourceFormat.Png);
        }
        catch (PictureException) when (PngRepair.TryMend(reduced) is { } mended)
        {
            return Pixels(mended, SourceFormat.Png);
        }
    }

    private static byte[] PixelsOfGif(ReadOnlySpan<byte> file)
    {
        var frame = GifFirstFrame.Find(file);
        var picture = Pixels(frame.ToFile(), SourceFormat.Gif);
        if ((frame.Width, frame.Height) == (frame.ScreenWidth, frame.ScreenHeight))
            return picture;
        var screen = new byte[4 * frame.ScreenWidth * frame.ScreenHeight];
        for (var at = 0; at < screen.Length; at += 4)
            frame.Surroundings.CopyTo(screen.AsSpan(at));
        for (var row = 0; row < frame.Height; row++)
            picture.AsSpan(4 * row * frame.Width, 4 * frame.Width).CopyTo(screen.AsSpan(4 * ((frame.Top + row) * frame.ScreenWidth + frame.Left)));
        return screen;
    }

    /// <summary>Decodes: four bytes a pixel, as stored.</summary>
    private static unsafe byte[] Pixels(ReadOnlySpan<byte> file, SourceFormat format)
    {
        using var codec = Open(file, format);
        var (width, height) = (codec.Info.Width, codec.Info.Height);

        // Unpremultiplied, and no colour space asked for: the stored colour values come out untouched. A codec turns nothing; its own reading of the orientation is not used.
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, codec.Info.IsOpaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul);
        var rgba = new byte[4 * width * height];
        SKCodecResult result;
        fixed (byte* pixels = rgba)
            result = codec.GetPixels(info, (nint)pixels);
        return result switch
        {
            SKCodecResult.Success when format == SourceFormat.Webp && WebpChunks.IsShort(file) => throw Truncated(),
            SKCodecResult.Success => rgba,
            SKCodecResult.IncompleteInput => throw Truncated(),
            _ => throw new PictureException($"the {Name(format)} file is damaged and can't be decoded ({result})"),
        };

        PictureException Truncated() => new($"the {Name(format)} file is truncated: it ends inside its {width}×{height} picture");
    }

    private static void RequirePixels(PictureHeader header, long maxPixels)
    {
        var limit = Math.Min(maxPixels, Array.MaxLength / 4); // four bytes a pixel in one array
        if ((long)header.Width * header.Height > limit)
            throw new PictureException($"the picture is {header.Width}×{header.Height} pixels; at most {limit} pixels are allowed");
    }

    /// <summary>By the content alone: names and media types are often wrong.</summary>
    private static SourceFormat FormatOf(ReadOnlySpan<byte> file) =>
        file.StartsWith(PngText.Signature) ? SourceFormat.Png
        : file is [0xFF, 0xD8, 0xFF, ..] ? SourceFormat.Jpeg
        : WebpChunks.IsWebp(file) ? SourceFormat.Webp
        : file.StartsWith("GIF87a"u8) || file.StartsWith("GIF89a"u8) ? SourceFormat.Gif
        : file.StartsWith("BM"u8) ? SourceFormat.Bmp
        : throw new PictureException(file.IsEmpty ? "the file is empty" : $"the file is not a picture in {Formats}, or its header is damaged");

    /// <summary>The file without what decoders treat differently.</summary>
    private static ReadOnlySpan<byte> ForDecoder(ReadOnlySpan<byte> file, SourceFormat format) => format switch
    {
        SourceFormat.Png => PngPixels.Reduce(file),
        SourceFormat.Bmp => BmpPixels.WithLastPadding(file),
        _ => file,
    };

    private static SKCodec Open(ReadOnlySpan<byte> file, SourceFormat format)
    {
        using var data = SKData.CreateCopy(file); // the codec keeps its own reference
        return SKCodec.Create(data) ?? throw new PictureException($"the {Name(format)} file is damaged: its header can't be read");
    }

    private static string Name<T>(T format) where T : struct, Enum => $"{format}".ToUpperInvariant();

    private static byte[] WithAlpha(ReadOnlySpan<byte> rgb)
    {
        var rgba = new byte[rgb.Length / 3 * 4];
        for (int from = 0, to = 0; from < rgb.Length; from += 3, to += 4)
        {
            rgb.Slice(from, 3).CopyTo(rgba.AsSpan(to));
            rgba[to + 3] = 255;
        }
        return rgba;
    }
}
