namespace Emu3.Cli.Batch;

/// <summary>Says which files of a folder nothing was asked about, and why.</summary>
internal static class SkippedFiles
{
    /// <summary>One line a file.</summary>
    public static IEnumerable<string> Describe(IReadOnlyList<SkippedFile> skipped) => skipped.Select(file => $"  {file.Name} {file.Reason}");

    /// <summary>What is said before a run.</summary>
    public static void Announce(CliConsole console, IReadOnlyList<SkippedFile> skipped)
    {
        if (skipped.Count > 0)
        {
            console.Error.WriteLine($"{Files(skipped)} can't be asked about; the rest goes on, and they are named at the end.");
        }
    }

    /// <summary>What is said at the end.</summary>
    public static void List(CliConsole console, IReadOnlyList<SkippedFile> skipped)
    {
        if (skipped.Count == 0)
        {
            return;
        }

        console.Error.WriteLine($"{Files(skipped)} skipped:");
        foreach (var line in Describe(skipped))
        {
            console.Error.WriteLine(line);
        }
    }

    private static string Files(IReadOnlyList<SkippedFile> skipped) => skipped.Count == 1 ? "1 file" : $"{skipped.Count} files";
}
