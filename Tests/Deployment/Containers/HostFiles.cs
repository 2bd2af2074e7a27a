using Emu3.Benchmarks.Processes;

namespace Emu3.Tests.Deployment.Containers;

/// <summary>Files of Debian packages that are installed on this machine, to be put into an image: no registry is asked, and nothing is loaded.</summary>
internal static class HostFiles
{
    private static readonly string[] s_left = ["/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/lintian/", "/usr/share/bug/"];

    /// <summary>What packages have installed: their names and versions, and their files without documentation.</summary>
    /// <param name="patterns">Names of packages, with <c>*</c> where it differs from release to release.</param>
    /// <exception cref="InvalidOperationException">One of them is not installed.</exception>
    public static async Task<(string Versions, IReadOnlySet<string> Files)> OfPackagesAsync(params string[] patterns)
    {
        var versions = await ReadAsync("dpkg-query", ["--show", "--showformat=${db:Status-Abbrev} ${binary:Package} ${Version}\\n", .. patterns]);
        var installed = versions.Where(line => line.StartsWith("ii", StringComparison.Ordinal)).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToList();
        var listed = await ReadAsync("dpkg-query", ["--listfiles", .. installed.Select(package => package[1])]);
        var files = listed.Where(path => path.StartsWith('/') && path != "/." && !s_left.Any(path.StartsWith)).Select(RealPlace).Where(IsFile).ToHashSet(StringComparer.Ordinal);
        return (string.Join(' ', installed.Select(package => $"{package[1]}={package[2]}")), files);
    }

    /// <summary>The shared libraries that programs load, and the links by which they are found.</summary>
    public static async Task<IReadOnlySet<string>> LibrariesOfAsync(params IEnumerable<string> programs)
    {
        var files = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in await ReadAsync("ldd", [.. programs]))
        {
            var word = line.Split(' ', StringSplitOptions.RemoveEmptyEntries).LastOrDefault(part => part.StartsWith('/'));
            if (word is null || word.EndsWith(':')) continue;
            for (var path = RealPlace(word); ; path = RealPlace(Path.GetFullPath(File.ResolveLinkTarget(path, false)!.FullName)))
            {
                files.Add(path);
                if (File.ResolveLinkTarget(path, false) is null) break;
            }
        }

        return files;
    }

    /// <summary>Debian's packages still name <c>/lib/x</c> what lies in <c>/usr/lib/x</c>.</summary>
    private static string RealPlace(string path)
    {
        foreach (var merged in (string[])["/bin/", "/lib/", "/lib64/", "/sbin/"])
            if (path.StartsWith(merged, StringComparison.Ordinal) && new DirectoryInfo(merged.TrimEnd('/')).LinkTarget is not null) return "/usr" + path;
        return path;
    }

    private static bool IsFile(string path) => File.Exists(path) || new FileInfo(path).LinkTarget is not null;

    private static async Task<IReadOnlyList<string>> ReadAsync(string program, params string[] arguments)
    {
        var (isDone, text) = await SystemCommand.RunAsync(program, arguments);
        return isDone ? text.Split('\n') : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed: {text}");
    }
}
