namespace Emu3.Storage;

/// <summary>Folders that a process needs, looked at when it starts: one that is missing or can't be written is told by name then, not by a failure later.</summary>
internal static class WritableFolder
{
    private const int NoSpaceLeft = 28; // ENOSPC

    /// <summary>Makes a folder where it is missing, and a file in it, which is removed again.</summary>
    /// <param name="path">Absolute.</param>
    /// <param name="what">For a person: "blob folder".</param>
    /// <param name="remedy">What to do, as a sentence.</param>
    /// <exception cref="DataFolderException">It can't be used; the message has all three.</exception>
    public static void Require(string path, string what, string remedy)
    {
        try
        {
            Directory.CreateDirectory(path);
            File.Create(Path.Combine(path, $".probe-{Guid.NewGuid():N}"), 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (IOException full) when (full.HResult == NoSpaceLeft)
        {
            // What is there can be read, and room may come: those who write wait for it.
            return;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new DataFolderException($"The {what} {path} can't be written: {refused.Message} {remedy}", refused);
        }
    }
}
