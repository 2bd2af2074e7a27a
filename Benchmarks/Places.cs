namespace Emu3.Benchmarks;

/// <summary>Where the files of the repository are.</summary>
internal static class Places
{
    /// <summary>The folder of <c>Emu3.Cluster.sln</c>, above the program.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The small trained checkpoint.</summary>
    public static string Model => Path.Combine(Root, "models", "emu3-tiny");

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Emu3.Cluster.sln")))
                return folder.FullName;
        }
        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} has Emu3.Cluster.sln.");
    }
}
