using System.Globalization;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>Width to height, in whole numbers.</summary>
public readonly record struct AspectRatio(int Width, int Height)
{
    /// <summary>The largest number on either side of the colon.</summary>
    public const int Largest = 100_000;

    public static AspectRatio Square => new(1, 1);

    /// <summary>Reads <c>4:3</c>.</summary>
    public static bool TryParse(string? text, out AspectRatio ratio) => TryParse(text, ':', out ratio);

    /// <summary>Reads <c>1024x768</c>, in pixels.</summary>
    public static bool TryParseSize(string? text, out AspectRatio size) => TryParse(text, 'x', out size);

    private static bool TryParse(string? text, char separator, out AspectRatio ratio)
    {
        ratio = Square;
        var at = text?.IndexOf(separator, StringComparison.Ordinal) ?? -1;
        if (at < 0 || !TryParseSide(text.AsSpan(0, at), out var width) || !TryParseSide(text.AsSpan(at + 1), out var height)) return false;
        ratio = new(width, height);
        return true;
    }

    private static bool TryParseSide(ReadOnlySpan<char> text, out int side) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out side) && side is >= 1 and <= Largest;

    /// <summary>As the API writes sizes.</summary>
    public string InPixels => string.Create(CultureInfo.InvariantCulture, $"{Width}x{Height}");

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Width}:{Height}");
}
