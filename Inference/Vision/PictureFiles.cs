using SkiaSharp;

namespace Emu3.Inference.Vision;

/// <summary>
/// PNG, JPEG and WebP, both ways. A file becomes RGB as PIL's <c>convert("RGB")</c> does it: alpha is dropped, not blended, gray and palette are
/// expanded, colour profiles are ignored; the EXIF orientation is applied. Needs no libtorch.
/// </summary>
public static class PictureFiles
{
    /// <summary>Reads the header only: nothing of the picture's size is allocated.</summary>
    /// <exception cref="PictureException">Not a PNG, JPEG or WebP file, or its header is damaged.</exception>
    public static PictureHeader ReadHeader(ReadOnlySpan<byte> file)
    {
        using var codec = Open(file);
        return Header(codec);
    }

    /// <summary>Size of the picture that <see cref="Decode"/> gives, with the EXIF orientation applied; reads the header only.</summary>
    /// <param name="file">The file, or enough of its beginning.</param>
    /// <param name="maxPixels">More are refused.</param>
    /// <exception cref="PictureException">Unknown format, damaged header, too many pixels.</exception>
    public static (int Width, int Height) ReadUprightSize(ReadOnlySpan<byte> file, long maxPixels)
    {
        using var codec = Open(file);
        var header = Header(codec);
        RequirePixels(header, maxPixels);
        // The four last of the eight orientations are turned by a quarter.
        return codec.EncodedOrigin >= SKEncodedOrigin.LeftTop ? (header.Height, header.Width) : (header.Width, header.Height);
    }

    /// <summary>The picture in a file.</summary>
    /// <param name="file">All bytes of the file.</param>
    /// <param name="maxPixels">Checked in the header, before anything is decoded.</param>
    /// <exception cref="PictureException">Unknown format, too many pixels, truncated or damaged.</exception>
    public static unsafe Picture Decode(ReadOnlySpan<byte> file, long maxPixels)
    {
        using var codec = Open(file);
        var header = Header(codec);
        var (width, height) = (header.Width, header.Height);
        RequirePixels(header, maxPixels);

        // Unpremultiplied, and no colour space asked for: the stored colour values come out untouched.
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, codec.Info.IsOpaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul);
        var rgba = new byte[4 * width * height];
        SKCodecResult result;
        fixed (byte* pixels = rgba)
            result = codec.GetPixels(info, (nint)pixels);
        if (result != SKCodecResult.Success)
            throw new PictureException(result == SKCodecResult.IncompleteInput
                ? $"the {Name(header.Format)} file is truncated: it ends inside its {width}×{height} picture"
                : $"the {Name(header.Format)} file is damaged and can't be decoded ({result})");
        return PictureOrientation.Upright(rgba, width, height, codec.EncodedOrigin);
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

    private static void RequirePixels(PictureHeader header, long maxPixels)
    {
        var limit = Math.Min(maxPixels, Array.MaxLength / 4); // four bytes a pixel in one array
        if ((long)header.Width * header.Height > limit)
            throw new PictureException($"the picture is {header.Width}×{header.Height} pixels; at most {limit} pixels are allowed");
    }

    private static SKCodec Open(ReadOnlySpan<byte> file)
    {
        using var data = SKData.CreateCopy(file); // the codec keeps its own reference
        return SKCodec.Create(data) ?? throw new PictureException(
            file.IsEmpty ? "the file is empty" : "the file is not a picture in PNG, JPEG or WebP, or its header is damaged");
    }

    private static PictureHeader Header(SKCodec codec) => new(
        codec.EncodedFormat switch
        {
            SKEncodedImageFormat.Png => PictureFormat.Png,
            SKEncodedImageFormat.Jpeg => PictureFormat.Jpeg,
            SKEncodedImageFormat.Webp => PictureFormat.Webp,
            var other => throw new PictureException($"{Name(other)} files are not read; PNG, JPEG and WebP are"),
        },
        codec.Info.Width, codec.Info.Height);

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
