using System.Globalization;
using System.Text.Json;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>
/// Seeds as clients write them. −1 is their common word for "draw one", so it is the same as leaving the seed out. Any other negative number is a signed 64-bit
/// seed: it stands for the unsigned one with the same bits (−2 for 18446744073709551614), which the answer tells.
/// </summary>
public static class RequestSeed
{
    /// <summary>What is allowed, for whoever wrote something else.</summary>
    public const string Form = "a whole number from -9223372036854775808 to 18446744073709551615, as a number or a decimal string; -1 draws one";

    private const NumberStyles Styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    /// <summary>A number, or a decimal string: JSON numbers beyond 2⁵³ are rounded by many programs. The seed is null when one is to be drawn.</summary>
    public static bool TryRead(JsonElement value, out ulong? seed)
    {
        seed = null;
        return value.ValueKind == JsonValueKind.String ? TryParse(value.GetString(), out seed) : WholeNumber.TryRead(value, out var number) && TryConvert(number, out seed);
    }

    /// <summary>The same of text, as on a command line.</summary>
    public static bool TryParse(string? text, out ulong? seed)
    {
        seed = null;
        return decimal.TryParse(text, Styles, CultureInfo.InvariantCulture, out var number) && decimal.Truncate(number) == number && TryConvert(number, out seed);
    }

    private static bool TryConvert(decimal number, out ulong? seed)
    {
        seed = number is >= 0 and <= ulong.MaxValue ? (ulong)number : number is < -1 and >= long.MinValue ? unchecked((ulong)(long)number) : null;
        return seed is not null || number == -1;
    }
}
