namespace Emu3.Cli.Batch;

/// <summary>One name for each folder, however it is reached.</summary>
internal static class RealPath
{
    /// <summary>The absolute path with every link in it followed, as far as it exists.</summary>
    public static string Of(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Path.GetDirectoryName(full) is not { } parent)
        {
            return full;
        }

        var folder = new DirectoryInfo(full);
        var target = folder.Exists ? folder.ResolveLinkTarget(returnFinalTarget: true) : null;
        return target is not null ? Of(target.FullName) : Path.Combine(Of(parent), Path.GetFileName(full));
    }
}
