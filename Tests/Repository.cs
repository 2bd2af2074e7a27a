namespace Emu3.Tests;

/// <summary>Where the files of the repository are, from wherever the tests run.</summary>
internal static class Repository
{
    /// <summary>The folder of <c>Emu3.Cluster.sln</c>.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>An absolute path from one that starts at the root.</summary>
    public static string PathTo(params ReadOnlySpan<string> parts) => Path.Combine([Root, .. parts]);

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Emu3.Cluster.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} has Emu3.Cluster.sln.");
    }
}
