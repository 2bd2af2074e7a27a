using System.Globalization;

namespace Emu3.Gateway.Reference;

/// <summary>Regular expressions of decimal numbers within bounds, which JSON Schema can't set for numbers in texts.</summary>
internal static class NumberPattern
{
    /// <summary>Numbers from 1 to this one, without leading zeros.</summary>
    public static string UpTo(ulong most)
    {
        var digits = most.ToString(CultureInfo.InvariantCulture);
        var forms = new List<string>();
        if (digits.Length > 1) forms.Add($"[1-9]{Any(digits.Length - 2)}");
        // As many digits as the largest: equal to it up to a place, and less there.
        for (var at = 0; at < digits.Length; at++)
        {
            var least = at == 0 ? '1' : '0';
            if (digits[at] > least) forms.Add($"{digits[..at]}[{least}-{(char)(digits[at] - 1)}]{Exactly(digits.Length - at - 1)}");
        }

        return $"({string.Join('|', forms.Append(digits))})";
    }

    private static string Any(int most) => most == 0 ? "" : $"[0-9]{{0,{most}}}";

    private static string Exactly(int count) => count == 0 ? "" : $"[0-9]{{{count}}}";
}
