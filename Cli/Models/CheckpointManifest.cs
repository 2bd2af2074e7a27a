namespace Emu3.Cli.Models;

/// <summary>
/// The files of a checkpoint and their SHA-256, as <c>sha256sum</c> writes them. It stands beside the files, and is uploaded after them: whoever finds it finds all.
/// </summary>
internal static class CheckpointManifest
{
    /// <summary>Its name.</summary>
    public const string FileName = "SHA256SUMS";

    private const int HashDigits = 64;

    /// <summary>Hashes by name, in lower case; names are relative, with slashes.</summary>
    /// <exception cref="CommandException">A line is none of <c>sha256sum</c>, or leads out of the folder; names it.</exception>
    public static IReadOnlyDictionary<string, string> Parse(string text)
    {
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        var number = 0;
        foreach (var line in text.Split('\n').Select(line => line.TrimEnd('\r')))
        {
            number++;
            if (line.Length == 0) continue;
            // HASH, a space, a space or (binary) a star, NAME.
            if (line.Length < HashDigits + 3 || !line.AsSpan(0, HashDigits).ContainsOnlyHex() || line[HashDigits] != ' ' || line[HashDigits + 1] is not (' ' or '*'))
            {
                throw Wrong(number, "is not a hash of 64 digits, two spaces and a name, as sha256sum writes it");
            }

            var name = line[(HashDigits + 2)..];
            name = name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name;
            if (name.Contains('\\', StringComparison.Ordinal) || name.Split('/').Any(part => part is "" or "." or ".."))
            {
                throw Wrong(number, $"names '{name}', which is no file below the checkpoint");
            }

            if (name != FileName && !files.TryAdd(name, line[..HashDigits].ToLowerInvariant()))
            {
                throw Wrong(number, $"names {name} again");
            }
        }

        return files.Count > 0 ? files : throw CommandException.BadInput($"{FileName} names no files.");
    }

    private static bool ContainsOnlyHex(this ReadOnlySpan<char> text)
    {
        foreach (var digit in text)
        {
            if (!char.IsAsciiHexDigit(digit))
            {
                return false;
            }
        }

        return true;
    }

    private static CommandException Wrong(int line, string what) => CommandException.BadInput($"Line {line} of {FileName} {what}.");
}
