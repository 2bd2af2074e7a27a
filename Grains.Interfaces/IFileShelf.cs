namespace Emu3.Grains.Interfaces;

/// <summary>
/// A sixteenth of a tenant's uploaded files, by the first digit of their ids. What has expired is not there for anyone, and is removed with its bytes
/// within an hour or two. Its key: <see cref="KeyOf"/>.
/// </summary>
[Alias("emu3.IFileShelf")]
public interface IFileShelf : IGrainWithStringKey
{
    /// <summary>Parts of a tenant's shelf.</summary>
    public const int PartCount = 16;

    /// <summary>Files that one part holds.</summary>
    public const int MaxFiles = 4_096;

    /// <summary>The key of the part that has these ids.</summary>
    static string KeyOf(string tenant, int part) => $"files/{tenant}/{part}";

    /// <summary>Adds a file or replaces what is known of it. Durable when it returns. Idempotent. False when there is no room for one more.</summary>
    [Alias("Put")] Task<bool> Put(UploadedFile file);

    /// <summary>The file, or null when there is none (any more), or none that is complete.</summary>
    [Alias("Find")] Task<UploadedFile?> Find(FileId file);

    /// <summary>Removes the file and its bytes. False when there was none. Idempotent.</summary>
    [Alias("Remove")] Task<bool> Remove(FileId file);

    /// <summary>A page in the order of making.</summary>
    /// <param name="after">The page begins behind it; null for the first.</param>
    /// <param name="most">Files at most.</param>
    /// <param name="isNewestFirst">The order.</param>
    /// <param name="purpose">Only those; null for all.</param>
    [Alias("List")] Task<IReadOnlyList<UploadedFile>> List(FilePlace? after, int most, bool isNewestFirst, FilePurpose? purpose);
}
