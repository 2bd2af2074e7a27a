using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Emu3.Cli.Batch.Plan;

/// <summary>
/// Gives every output its file name, relative to the output folder with <c>/</c> between parts. Whatever an id holds, the name stays inside
/// the folder, is valid on every system, and differs from all others even where upper and lower case are the same.
/// </summary>
internal sealed partial class OutputPlan
{
    /// <summary>Files of one folder at most.</summary>
    public const int FilesInFolder = 1000;

    // A name of 255 bytes is the limit of the usual file systems; this leaves room for a number and an ending.
    private const int LongestStemBytes = 180;

    private static readonly HashSet<string> s_deviceNames = new(StringComparer.OrdinalIgnoreCase)
    {
        "CON", "PRN", "AUX", "NUL", "COM0", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9",
        "LPT0", "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
    };

    private readonly string _pattern;
    private readonly bool _useFolders;
    private readonly HashSet<string> _taken;

    /// <param name="pattern">A name with <c>{id}</c>, <c>{seed}</c>, <c>{sample}</c> or <c>{index}</c> in it, without ending.</param>
    /// <param name="outputCount">Outputs that the folder will have in all: over <see cref="FilesInFolder"/>, numbered folders hold a thousand each.</param>
    /// <param name="taken">Names that are in use already.</param>
    /// <exception cref="CommandException">The pattern is empty or has another placeholder.</exception>
    public OutputPlan(string pattern, int outputCount, IEnumerable<string> taken)
    {
        var unknown = PlaceholderPattern().Matches(pattern).FirstOrDefault(match => match.Value is not ("{id}" or "{seed}" or "{sample}" or "{index}"));
        if (string.IsNullOrWhiteSpace(pattern) || unknown is not null)
        {
            throw CommandException.BadInput($"--name can't be \"{pattern}\": it takes text with {{id}}, {{seed}}, {{sample}} and {{index}} in it.");
        }

        _pattern = pattern;
        _useFolders = outputCount > FilesInFolder;
        _taken = new(taken, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>
    /// The name of one output, never the same twice. <paramref name="index"/> is its place in the input, from 0: <c>{index}</c>, and what the numbered folder
    /// follows from. <paramref name="extension"/> has its dot.
    /// </summary>
    public string Name(int index, string id, ulong seed, uint sample, string extension)
    {
        var stem = PlaceholderPattern().Replace(_pattern, match => match.Value switch
        {
            "{id}" => id,
            "{seed}" => seed.ToString(CultureInfo.InvariantCulture),
            "{sample}" => sample.ToString(CultureInfo.InvariantCulture),
            _ => index.ToString("D6", CultureInfo.InvariantCulture),
        });
        var folder = _useFolders ? $"{(index / FilesInFolder).ToString("D3", CultureInfo.InvariantCulture)}/" : "";
        var path = folder + SafeStem(stem);
        for (var number = 1; ; number++)
        {
            var name = (number == 1 ? path : $"{path}-{number.ToString(CultureInfo.InvariantCulture)}") + extension;
            if (_taken.Add(name))
            {
                return name;
            }
        }
    }

    /// <summary>
    /// A file name made of any text: letters, digits, <c>-</c>, <c>_</c>, <c>.</c> and spaces stay, everything else becomes <c>_</c>; no dot or space at
    /// the ends; a name that is a device on Windows gets a <c>_</c> in front; a long one is cut and ends in a piece of its hash.
    /// </summary>
    public static string SafeStem(string text)
    {
        var safe = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            safe.Append(IsSafe(rune) ? rune.ToString() : "_");
        }

        var stem = safe.ToString().Normalize(NormalizationForm.FormC).Trim(' ', '.');
        if (stem.Length == 0)
        {
            return "_";
        }

        if (s_deviceNames.Contains(stem.Split('.')[0].TrimEnd(' ')))
        {
            stem = "_" + stem;
        }

        return Encoding.UTF8.GetByteCount(stem) <= LongestStemBytes ? stem : Cut(stem, text);
    }

    private static string Cut(string stem, string text)
    {
        var kept = new StringBuilder();
        var bytes = 0;
        foreach (var rune in stem.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > LongestStemBytes)
            {
                break;
            }

            kept.Append(rune.ToString());
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 6));
        return $"{kept.ToString().TrimEnd(' ', '.')}-{hash}";
    }

    private static bool IsSafe(Rune rune) => rune.Value is '-' or '_' or '.' or ' ' || Rune.IsLetterOrDigit(rune)
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;

    [GeneratedRegex(@"\{[^{}]*\}")]
    private static partial Regex PlaceholderPattern();
}
