using System.Globalization;

namespace Emu3.Gateway.Batches;

/// <summary>A batch's <c>completion_window</c>: hours or days, as <c>24h</c> or <c>7d</c>.</summary>
internal static class CompletionWindow
{
    /// <summary>What is allowed, for whoever wrote something else.</summary>
    public const string Form = "must be a number of hours or days, as \"24h\" or \"7d\", from 1h to 60d";
    private static readonly TimeSpan s_most = TimeSpan.FromDays(60);

    public static bool TryParse(string text, out TimeSpan window)
    {
        window = default;
        if (text.Length is < 2 or > 5 || !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return false;
        if (text[^1] is not ('h' or 'd') || number == 0) return false;
        window = text[^1] == 'h' ? TimeSpan.FromHours(number) : TimeSpan.FromDays(number);
        return window <= s_most;
    }
}
