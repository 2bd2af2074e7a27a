using System.Security.Cryptography;
using System.Text;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli.Batch;

/// <summary>A file or folder that nothing was asked about.</summary>
/// <param name="Name">Relative to the input folder, with <c>/</c>.</param>
/// <param name="Reason">Continues a sentence that begins with the name.</param>
internal sealed record SkippedFile(string Name, string Reason);

/// <summary>
/// Finds the files below a folder, whatever their names end in: what is a picture is told by its content. Links are followed, and each real folder is visited once, under its own
/// path where it has one below the folder. Hidden files are not looked at, nor what Windows leaves in folders of pictures.
/// </summary>
internal sealed class PictureFolder
{
    private static readonly HashSet<string> s_leftByWindows = new(StringComparer.OrdinalIgnoreCase) { "Thumbs.db", "desktop.ini" };

    private readonly string _root;
    private readonly List<string> _files = [];
    private readonly List<SkippedFile> _skipped = [];
    private readonly HashSet<string> _visited = [];
    private readonly Queue<string> _links = [];

    private PictureFolder(string root) => _root = root;

    /// <summary>Names relative to the folder, with <c>/</c>, in ordinal order; and what could not be looked into.</summary>
    public static (IReadOnlyList<string> Files, IReadOnlyList<SkippedFile> Skipped) List(string folder)
    {
        var list = new PictureFolder(Path.GetFullPath(folder));
        list.Visit(list._root);

        // After all real folders, so that a file has its real name where it has one.
        while (list._links.TryDequeue(out var link))
        {
            list.Visit(link);
        }

        return ([.. list._files.Order(StringComparer.Ordinal)], list._skipped);
    }

    /// <summary>The id of a file's item: its name, or, where that can't be an id (control characters, too long), what is left of it and a piece of its hash.</summary>
    /// <param name="name">Relative to the folder.</param>
    public static string IdOf(string name)
    {
        if (name.Length <= RequestLimits.IdLength && !name.Any(char.IsControl))
        {
            return name;
        }

        const int kept = 200;
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..12];
        var plain = string.Concat(name.Select(letter => char.IsControl(letter) ? '_' : letter));
        var from = Math.Max(0, plain.Length - kept);
        return $"{hash}-{plain[(from + (from > 0 && char.IsLowSurrogate(plain[from]) ? 1 : 0))..]}";
    }

    private void Visit(string folder)
    {
        FileSystemInfo[] entries;
        try
        {
            if (!_visited.Add(RealPath.Of(folder)))
            {
                return;
            }

            entries = [.. new DirectoryInfo(folder).EnumerateFileSystemInfos().OrderBy(entry => entry.Name, StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _skipped.Add(new(NameOf(folder), $"can't be read: {e.Message}"));
            return;
        }

        foreach (var entry in entries)
        {
            if (!HasReadableName(entry))
            {
                _skipped.Add(new(NameOf(entry.FullName), "has a name that is not UTF-8: rename it."));
                continue;
            }

            if (!IsShown(entry))
            {
                continue;
            }

            switch (entry)
            {
                case DirectoryInfo { LinkTarget: not null }:
                    _links.Enqueue(entry.FullName);
                    break;
                case DirectoryInfo:
                    Visit(entry.FullName);
                    break;
                default:
                    Add((FileInfo)entry);
                    break;
            }
        }
    }

    private void Add(FileInfo file)
    {
        if (Obstacle(file) is { } reason)
        {
            _skipped.Add(new(NameOf(file.FullName), reason));
        }
        else
        {
            _files.Add(NameOf(file.FullName));
        }
    }

    /// <summary>Pipes and devices look like empty files, and opening one may wait for ever.</summary>
    private static string? Obstacle(FileInfo file)
    {
        try
        {
            var target = file.LinkTarget is null ? file : file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo;
            return target is not { Exists: true } ? "is a link that leads nowhere."
                : target.Length == 0 ? PictureKinds.Refuse([])
                : null;
        }
        catch (IOException e)
        {
            return $"can't be read: {e.Message}";
        }
    }

    /// <summary>Bytes that are no UTF-8 come as replacement characters, and no path leads back to such a file.</summary>
    private static bool HasReadableName(FileSystemInfo entry) => !entry.Name.Contains('\uFFFD', StringComparison.Ordinal) || Path.Exists(entry.FullName) || entry.LinkTarget is not null;

    private static bool IsShown(FileSystemInfo entry) =>
        !entry.Name.StartsWith('.') && (entry.Attributes & (FileAttributes.Hidden | FileAttributes.System)) == 0 && !s_leftByWindows.Contains(entry.Name);

    private string NameOf(string path) => Path.GetRelativePath(_root, path).Replace('\\', '/');
}
