using System.Buffers.Binary;

namespace Emu3.Tests.Unit.Grains.Interfaces.Requests;

/// <summary>Data URLs of files that are no more than their headers.</summary>
internal static class DataUrls
{
    /// <summary>Signature and IHDR of a PNG.</summary>
    public static string Png(int width, int height) => Of("image/png", PngHeader(width, height));

    public static byte[] PngHeader(int width, int height)
    {
        byte[] file = [0x89, .. "PNG\r\n"u8, 0x1A, (byte)'\n', 0, 0, 0, 13, .. "IHDR"u8, 0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(20), height);
        return file;
    }

    public static string Of(string type, byte[] file) => $"data:{type};base64,{Convert.ToBase64String(file)}";

    public static byte[] BytesOf(string url) => Convert.FromBase64String(url[(url.IndexOf(',', StringComparison.Ordinal) + 1)..]);
}
