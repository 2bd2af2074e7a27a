using System.Security.Cryptography;
using System.Text.Json;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>
/// The one way by which pictures of requests come in: a base64 data URL, or the name of an uploaded file; bytes, and the pixels in the header, within limits.
/// Nothing is ever fetched.
/// </summary>
public static class PictureReader
{
    /// <summary>What is said of a file over the limit.</summary>
    public static readonly string TooLarge = $"is larger than {RequestLimits.PictureBytes >> 20} MiB.";

    /// <summary>One data URL, or an array of them.</summary>
    public static IReadOnlyList<RequestPicture>? ReadAll(JsonElement value, string path, List<ItemError> errors)
    {
        if (value.ValueKind != JsonValueKind.Array) return Read(value, path, errors) is { } one ? [one] : null;
        if (value.GetArrayLength() is 0 or > RequestLimits.Pictures)
        {
            errors.Add(new(path, $"has {value.GetArrayLength()} pictures; 1 to {RequestLimits.Pictures} are allowed."));
            return null;
        }
        var pictures = value.EnumerateArray().Select((item, i) => Read(item, $"{path}[{i}]", errors)).OfType<RequestPicture>().ToList();
        return pictures.Count == value.GetArrayLength() ? pictures : null;
    }

    /// <summary>A data URL, or the id of an uploaded file, whose bytes then come by <see cref="Load"/>.</summary>
    public static RequestPicture? Read(JsonElement value, string path, List<ItemError> errors)
    {
        if (value.ValueKind != JsonValueKind.String) return Refuse("must be a data URL (data:image/png;base64,…), or the id of a file.");
        // Not as it stands in the JSON, where some writers put \u002B for each plus.
        var text = value.GetString()!;
        if (FileId.TryParse(text, out var named) && named.Batch is null) return new([], []) { Named = named, Path = path };
        if (!text.StartsWith("data:", StringComparison.OrdinalIgnoreCase))
            return Refuse("must be a data URL (data:image/png;base64,…) or the id of an uploaded file: addresses are not fetched.");
        if (text.Length > RequestLimits.PictureUrlLength) return Refuse($"is larger than {RequestLimits.PictureBytes >> 20} MiB.");

        var comma = text.IndexOf(',', StringComparison.Ordinal);
        if (comma < 0 || !text.AsSpan(0, comma).EndsWith(";base64", StringComparison.OrdinalIgnoreCase))
            return Refuse("must be a data URL in base64 (data:image/png;base64,…).");
        var file = new byte[(text.Length - comma) / 4 * 3 + 3];
        if (!Convert.TryFromBase64Chars(text.AsSpan(comma + 1), file, out var length)) return Refuse("is not valid base64.");
        Array.Resize(ref file, length);
        return Load(file, path, errors);

        RequestPicture? Refuse(string message)
        {
            errors.Add(new(path, message));
            return null;
        }
    }

    /// <summary>A picture file, wherever it comes from; null, with an error, when it is none, or larger than allowed.</summary>
    public static RequestPicture? Load(byte[] file, string path, List<ItemError> errors)
    {
        if (Refuse(file) is not { } wrong) return new(file, SHA256.HashData(file));
        errors.Add(new(path, wrong));
        return null;
    }

    /// <summary>Why a file can't be the picture of a request, continuing a sentence that begins with its name; null when it can.</summary>
    public static string? Refuse(ReadOnlySpan<byte> file) =>
        file.Length > RequestLimits.PictureBytes ? TooLarge
        : !PictureHeader.TryRead(file, out var header) ? PictureKinds.Refuse(file)
        : header.Pixels > RequestLimits.PicturePixels ? $"has {header.Width}x{header.Height} pixels; {RequestLimits.PicturePixels} in all are allowed."
        : null;
}
