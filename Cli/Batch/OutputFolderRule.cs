namespace Emu3.Cli.Batch;

/// <summary>An output folder must not be the input folder or inside it: its pictures would be the input of the next run.</summary>
internal static class OutputFolderRule
{
    /// <exception cref="CommandException">It is, or it is a file.</exception>
    public static void Check(string input, string outputFolder)
    {
        if (File.Exists(outputFolder))
        {
            throw CommandException.BadInput($"--out {outputFolder} is a file, not a folder.");
        }

        if (input == "-" || !Directory.Exists(input))
        {
            return;
        }

        var folder = Real(input);
        var target = Real(outputFolder);
        if (target == folder || target.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw CommandException.BadInput($"--out {outputFolder} is inside the input folder {input}: choose a folder outside of it.");
        }
    }

    /// <summary>The absolute path with every link in it followed, as far as it exists.</summary>
    private static string Real(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Path.GetDirectoryName(full) is not { } parent)
        {
            return full;
        }

        var folder = new DirectoryInfo(full);
        var target = folder.Exists ? folder.ResolveLinkTarget(returnFinalTarget: true) : null;
        return target is not null ? Real(target.FullName) : Path.Combine(Real(parent), Path.GetFileName(full));
    }
}
