namespace Emu3.Cli.Batch;

/// <summary>
/// The picture files that questions are about, as an output folder names them: relative to the folder itself, wherever they lie (<c>../photos/a.jpg</c>). Loaders of data sets
/// join the name to the folder of <c>metadata.jsonl</c>, so the path counts from where the folder really is, and not from a link to it.
/// </summary>
internal sealed class AskedPictures
{
    private readonly Dictionary<string, IReadOnlyList<string>> _paths = [];
    private readonly string _folder;
    private readonly string _realFolder;

    /// <param name="items">The input.</param>
    /// <param name="outputFolder">Absolute.</param>
    public AskedPictures(IEnumerable<BatchItem> items, string outputFolder)
    {
        (_folder, _realFolder) = (outputFolder, RealPath.Of(outputFolder));
        foreach (var item in items.Where(item => item.Pictures.Count > 0 && item.Pictures.All(picture => picture.Path is not null)))
        {
            _paths[item.Id] = [.. item.Pictures.Select(picture => picture.Path!)];
        }
    }

    /// <summary>Names for metadata; none where the input has no such item, or a picture stands in the input itself.</summary>
    public IReadOnlyList<string> NamesOf(string id) => [.. _paths.GetValueOrDefault(id, []).Select(path => Relative(_realFolder, path))];

    /// <summary>The first picture as a page in the folder names it; null without one. Browsers take <c>..</c> by the address as it is.</summary>
    public string? AddressOf(string id) => _paths.GetValueOrDefault(id) is [var first, ..] ? Relative(_folder, first) : null;

    private static string Relative(string folder, string path) => Path.GetRelativePath(folder, path).Replace('\\', '/');
}
