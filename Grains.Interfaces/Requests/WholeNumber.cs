using System.Globalization;
using System.Text.Json;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>
/// Whole numbers in JSON. JSON has one kind of number: 8, 8.0 and 8e0 are the same one, JSON Schema calls each an integer, and pandas writes a column of
/// integers with a gap in it as 8.0.
/// </summary>
public static class WholeNumber
{
    /// <summary>False when the value is no number, has a fraction, or is beyond 28 digits.</summary>
    public static bool TryRead(JsonElement value, out decimal number)
    {
        number = 0;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out number) && decimal.Truncate(number) == number;
    }

    /// <summary>
    /// The digits of a whole number as tables hold it: pandas and spreadsheets write <c>7.0</c> or <c>1e+16</c> where a column was read as floating point.
    /// Null for any other text; nothing is rounded.
    /// </summary>
    public static string? Digits(string text) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && decimal.Truncate(number) == number
            ? decimal.Truncate(number).ToString("F0", CultureInfo.InvariantCulture)
            : null;
}
