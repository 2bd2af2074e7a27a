using System.Security.Cryptography;
using Emu3.Grains.Interfaces.Requests;
using PictureException = Emu3.Inference.Vision.PictureException;
using PictureFiles = Emu3.Inference.Vision.PictureFiles;

namespace Emu3.Cli.Batch;

/// <summary>A picture that a question is about: a file, or a data URL in the input itself.</summary>
internal sealed record PictureSource(string? Path, string? DataUrl)
{
    /// <summary>A value of the field <c>image</c>; relative paths count from <paramref name="folder"/>, which is absolute.</summary>
    public static PictureSource Of(string value, string folder) =>
        value.StartsWith("data:", StringComparison.OrdinalIgnoreCase) ? new(null, value) : new(System.IO.Path.GetFullPath(value, folder), null);

    /// <summary>Reads header and hash of a file; the pixels are read by whoever answers the question.</summary>
    /// <returns>The picture without its bytes; or what is wrong with it, continuing a sentence that begins with its name.</returns>
    public static (RequestPicture? Picture, string? Error) Check(string path)
    {
        byte[] file;
        try
        {
            var info = new FileInfo(path);
            var target = info.LinkTarget is null ? info : info.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? info; // a link's own length is that of its path
            if (target.Exists && target.Length > RequestLimits.PictureBytes)
            {
                return (null, PictureReader.TooLarge);
            }

            file = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return (null, "does not exist.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, $"can't be read: {e.Message}");
        }

        return PictureReader.Refuse(file) is { } wrong ? (null, wrong)
            : FaultOf(file) is { } fault ? (null, fault)
            : (new([], SHA256.HashData(file)), null);
    }

    /// <summary>What the decoder says of the header; and of the pixels, where the file looks cut off. Decoding all takes too long.</summary>
    private static string? FaultOf(byte[] file)
    {
        try
        {
            PictureFiles.ReadUprightSize(file, RequestLimits.PicturePixels);
        }
        catch (PictureException fault)
        {
            return $"can't be read: {fault.Message}.";
        }

        if (!PictureKinds.LooksCut(file))
        {
            return null;
        }

        try
        {
            PictureFiles.Decode(file, RequestLimits.PicturePixels);
            return null;
        }
        catch (PictureException)
        {
            return "is cut off: its end is missing.";
        }
    }

    /// <summary>The picture as requests carry it.</summary>
    public string ToDataUrl() => DataUrl ?? ToDataUrl(File.ReadAllBytes(Path!));

    /// <summary>A picture file as a data URL; its type is told by its content.</summary>
    public static string ToDataUrl(byte[] file) =>
        $"data:{PictureKinds.MediaTypeOf(PictureHeader.KindOf(file) ?? PictureKind.Png)};base64,{Convert.ToBase64String(file)}";
}
