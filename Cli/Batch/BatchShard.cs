using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Emu3.Storage;

namespace Emu3.Cli.Batch;

/// <summary>
/// One of several processes that share an input without speaking to each other: it takes every n-th item. Seeds and file names are those of a run that
/// takes all of them.
/// </summary>
/// <param name="Number">Which, from 1.</param>
/// <param name="Count">Of how many.</param>
internal readonly record struct BatchShard(int Number, int Count)
{
    /// <summary>One process takes everything.</summary>
    public static BatchShard Whole { get; } = new(1, 1);

    public bool IsWhole => Count == 1;

    /// <summary>Its own folder, below that of all of them.</summary>
    public string FolderName => string.Create(CultureInfo.InvariantCulture, $"shard-{Number}-of-{Count}");

    /// <summary>
    /// Where the cluster of this shard keeps its data, unless told: several shards may run on one machine, and a folder has one process.
    /// Beside the user's data folder, since that of the outputs may be on a network file system.
    /// </summary>
    public string DataFolderFor(string outputFolder)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(outputFolder)).AsSpan(0, 6));
        return Path.Combine(DataFolder.DefaultPath + "-shards", hash, FolderName);
    }

    /// <summary>Whether an item is its own, by its place in the input, from 0.</summary>
    public bool Takes(int itemIndex) => itemIndex % Count == Number - 1;

    /// <summary>Reads <c>i/n</c>.</summary>
    public static bool TryParse(string text, out BatchShard shard)
    {
        var parts = text.Split('/');
        shard = Whole;
        if (parts.Length != 2 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var count) || number < 1 || number > count)
        {
            return false;
        }

        shard = new(number, count);
        return true;
    }
}
