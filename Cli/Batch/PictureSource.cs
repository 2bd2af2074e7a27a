using System.Buffers.Binary;
using System.Security.Cryptography;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli.Batch;

/// <summary>A picture that a question is about: a file, or a data URL in the input itself.</summary>
internal sealed record PictureSource(string? Path, string? DataUrl)
{
    /// <summary>A value of the field <c>image</c>; relative paths count from <paramref name="folder"/>.</summary>
    public static PictureSource Of(string value, string folder) =>
        value.StartsWith("data:", StringComparison.OrdinalIgnoreCase) ? new(null, value) : new(System.IO.Path.GetFullPath(value, folder), null);

    /// <summary>Endings of picture files that can be read.</summary>
    public static bool IsPictureFile(string path) => System.IO.Path.GetExtension(path).ToLowerInvariant() is ".png" or ".jpg" or ".jpeg" or ".webp";

    /// <summary>Reads header and hash of a file; the pixels are read by whoever answers the question.</summary>
    /// <returns>The picture without its bytes, or what is wrong with it.</returns>
    public static (RequestPicture? Picture, string? Error) Check(string path)
    {
        byte[] file;
        try
        {
            var info = new FileInfo(path);
            if (info.Exists && info.Length > RequestLimits.PictureBytes)
            {
                return (null, $"{path} is larger than {RequestLimits.PictureBytes >> 20} MiB.");
            }

            file = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return (null, $"{path} does not exist.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, $"{path} can't be read: {e.Message}");
        }

        if (!PictureHeader.TryRead(file, out var header))
        {
            return (null, $"{path} is not a PNG, JPEG or WebP picture.");
        }

        return header.Pixels > RequestLimits.PicturePixels
                ? (null, $"{path} has {header.Width}x{header.Height} pixels; {RequestLimits.PicturePixels} in all are allowed.")
            : HasEnd(file) ? (new([], SHA256.HashData(file)), null)
            : (null, $"{path} is cut off: its end is missing.");
    }

    /// <summary>
    /// Whether a file has what its format ends with: PNG the chunk IEND, JPEG the marker EOI (more may follow, as cameras do), WebP as many bytes as it says.
    /// Finds files that were cut off without decoding thousands of them.
    /// </summary>
    private static bool HasEnd(ReadOnlySpan<byte> file) => file switch
    {
        [0xFF, 0xD8, ..] => file.LastIndexOf([(byte)0xFF, (byte)0xD9]) >= 0,
        [(byte)'R', (byte)'I', ..] => BinaryPrimitives.ReadUInt32LittleEndian(file[4..]) + 8L <= file.Length,
        _ => file.LastIndexOf("IEND"u8) >= 0,
    };

    /// <summary>The picture as requests carry it.</summary>
    public string ToDataUrl() => DataUrl ?? ToDataUrl(File.ReadAllBytes(Path!));

    /// <summary>A PNG, JPEG or WebP file as a data URL.</summary>
    public static string ToDataUrl(byte[] file)
    {
        var type = file is [0xFF, 0xD8, ..] ? "jpeg" : file is [(byte)'R', (byte)'I', ..] ? "webp" : "png";
        return $"data:image/{type};base64,{Convert.ToBase64String(file)}";
    }
}
