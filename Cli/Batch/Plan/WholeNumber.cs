using System.Globalization;

namespace Emu3.Cli.Batch.Plan;

/// <summary>Whole numbers as tables hold them: pandas and spreadsheets write <c>7.0</c> or <c>1e+16</c> where a column was read as floating point.</summary>
internal static class WholeNumber
{
    /// <summary>The digits of a whole number; null for any other text. Nothing is rounded: <c>7.5</c> is none, and a number of 20 digits keeps all of them.</summary>
    public static string? Read(string text) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number == decimal.Truncate(number)
            ? decimal.Truncate(number).ToString("F0", CultureInfo.InvariantCulture)
            : null;
}
