using System.Globalization;

namespace Emu3.Cli.Verify;

/// <summary>How many of a folder's pictures are looked at: a number, or a share of them.</summary>
/// <param name="Count">Pictures; null for a share.</param>
/// <param name="Share">0 to 1.</param>
internal sealed record SampleSize(int? Count, double Share)
{
    /// <summary>Reads <c>25</c> or <c>1%</c>; null for anything else.</summary>
    public static SampleSize? Parse(string text)
    {
        if (!text.EndsWith('%')) return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0 ? new(count, 0) : null;
        return double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) && percent is > 0 and <= 100
            ? new(null, percent / 100)
            : null;
    }

    /// <summary>As it is written.</summary>
    public override string ToString() => Count is { } count ? count.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{100 * Share}%");

    /// <summary>Of so many; one at least.</summary>
    public int Of(int all) => Math.Min(all, Count ?? Math.Max(1, (int)Math.Round(all * Share, MidpointRounding.AwayFromZero)));
}
