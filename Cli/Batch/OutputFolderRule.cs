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

        var folder = RealPath.Of(input);
        var target = RealPath.Of(outputFolder);
        if (target == folder || target.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw CommandException.BadInput($"--out {outputFolder} is inside the input folder {input}: choose a folder outside of it.");
        }
    }
}
