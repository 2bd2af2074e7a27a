namespace Emu3.Inference.Vision.Containers;

/// <summary>
/// The property <c>tiff:Orientation</c> of an XMP packet, found in its text as Pillow finds it: the first <c>tiff:Orientation="6"</c> or
/// <c>tiff:Orientation&gt;6</c>. So a packet that is no valid XML counts as well.
/// </summary>
static class XmpOrientation
{
    private static ReadOnlySpan<byte> Name => "tiff:Orientation"u8;

    /// <summary>One digit; null without the property.</summary>
    public static int? Read(ReadOnlySpan<byte> packet)
    {
        for (var at = packet.IndexOf(Name); at >= 0; at = packet.IndexOf(Name))
        {
            packet = packet[(at + Name.Length)..];
            var value = packet.StartsWith("=\""u8) ? packet[2..] : packet.StartsWith(">"u8) ? packet[1..] : [];
            if (value is [>= (byte)'0' and <= (byte)'9', ..])
                return value[0] - '0';
        }
        return null;
    }
}
