using System.Buffers;

namespace Emu3.Storage.Blobs;

/// <summary>
/// Blobs as files of a folder. A write goes to a temporary file, is flushed to the disk, renamed into place, and the folder is flushed:
/// after a power cut there is the old file or the new one.
/// </summary>
public sealed class FolderBlobStore : IBlobStore
{
    // No key may begin with a dot, so none ever names a file in here.
    private const string TemporaryFolder = ".tmp";

    /// <summary>Of a stream that is written: large enough that the disk's calls cost little, small enough that many uploads fit into memory.</summary>
    private const int StreamPieceBytes = 1 << 18;
    private static readonly TimeSpan s_leftoverAge = TimeSpan.FromDays(1);
    private readonly string _root;
    private readonly string _temporary;

    public FolderBlobStore(string root)
    {
        _root = Path.GetFullPath(root);
        _temporary = Path.Combine(_root, TemporaryFolder);
        Directory.CreateDirectory(_temporary);
        RemoveLeftovers();
    }

    public Task WriteAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        var path = PathOf(key);
        return StoreMetrics.MeasureAsync(StoreMetrics.Blob, () => DiskThreads.RunAsync(() => Write(path, content.Span), cancellationToken));
    }

    public async Task<long> WriteAsync(string key, Stream content, CancellationToken cancellationToken = default)
    {
        var path = PathOf(key);
        var temporary = Path.Combine(_temporary, Guid.NewGuid().ToString("N"));
        try
        {
            var length = await ReceiveAsync(temporary, content, cancellationToken);
            await DiskThreads.RunAsync(() => MoveInto(Path.GetDirectoryName(path)!, temporary, path), cancellationToken);
            await DiskThreads.RunAsync(() => FolderSync.Flush(Path.GetDirectoryName(path)!), CancellationToken.None);
            return length;
        }
        catch
        {
            await DiskThreads.RunAsync(() => File.Delete(temporary), CancellationToken.None);
            throw;
        }
    }

    public Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken = default)
    {
        var path = PathOf(key);
        return DiskThreads.RunAsync(() => Read(path), cancellationToken);
    }

    public Task<Stream?> OpenReadAsync(string key, CancellationToken cancellationToken = default)
    {
        var path = PathOf(key);
        return DiskThreads.RunAsync<Stream?>(() => Open(path), cancellationToken);
    }

    public Task DeleteAsync(string key, CancellationToken cancellationToken = default)
    {
        var path = PathOf(key);
        return DiskThreads.RunAsync(() => UnlessMissing(() => File.Delete(path)), cancellationToken);
    }

    public Task DeletePrefixAsync(string prefix, CancellationToken cancellationToken = default)
    {
        var path = PathOf(prefix);
        return DiskThreads.RunAsync(() => UnlessMissing(() => Directory.Delete(path, recursive: true)), cancellationToken);
    }

    /// <summary>
    /// What processes that were killed left behind. A file in the making was written to a moment ago; a day of difference allows for clocks that are set, and
    /// for the clock of a file server.
    /// </summary>
    private void RemoveLeftovers()
    {
        foreach (var file in new DirectoryInfo(_temporary).EnumerateFiles())
            if (file.LastWriteTimeUtc < TimeProvider.System.GetUtcNow().UtcDateTime - s_leftoverAge) file.Delete();
    }

    private void Write(string path, ReadOnlySpan<byte> content)
    {
        var folder = Path.GetDirectoryName(path)!;
        var temporary = Path.Combine(_temporary, Guid.NewGuid().ToString("N"));
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            MoveInto(folder, temporary, path);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        FolderSync.Flush(folder);
    }

    /// <summary>A piece at a time: the disk's threads wait for the disk alone, never for the stream.</summary>
    private static async Task<long> ReceiveAsync(string temporary, Stream content, CancellationToken cancellationToken)
    {
        var piece = ArrayPool<byte>.Shared.Rent(StreamPieceBytes);
        var file = await DiskThreads.RunAsync(
            () => new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0), cancellationToken);
        try
        {
            while (await content.ReadAtLeastAsync(piece, piece.Length, throwOnEndOfStream: false, cancellationToken) is var count and > 0)
                await DiskThreads.RunAsync(() => file.Write(piece, 0, count), CancellationToken.None);
            return await DiskThreads.RunAsync(() =>
            {
                file.Flush(flushToDisk: true);
                return file.Length;
            }, CancellationToken.None);
        }
        finally
        {
            await DiskThreads.RunAsync(file.Dispose, CancellationToken.None);
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private static byte[]? Read(string path)
    {
        using var file = Open(path);
        if (file is null) return null;
        var content = new byte[file.Length];
        file.ReadExactly(content);
        return content;
    }

    private static FileStream? Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 4096, FileOptions.Asynchronous);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private static void UnlessMissing(Action remove)
    {
        try
        {
            remove();
        }
        catch (DirectoryNotFoundException)
        {
            // Nothing was there.
        }
    }

    /// <summary>A folder of the key may be removed by <see cref="DeletePrefixAsync"/> between its making and the move; then it is made again.</summary>
    private void MoveInto(string folder, string temporary, string path)
    {
        for (var attempt = 0; ; attempt++)
        {
            CreateFolders(folder);
            try
            {
                File.Move(temporary, path, overwrite: true);
                return;
            }
            catch (DirectoryNotFoundException) when (attempt < 3)
            {
                continue;
            }
        }
    }

    /// <summary>A new folder is an entry of its parent, which must be on the disk as well.</summary>
    private void CreateFolders(string folder)
    {
        if (Directory.Exists(folder)) return;
        var parent = Path.GetDirectoryName(folder)!;
        if (folder.Length > _root.Length) CreateFolders(parent);
        Directory.CreateDirectory(folder);
        FolderSync.Flush(parent);
    }

    private string PathOf(string key) => Path.Combine(_root, BlobNames.Require(key).Replace('/', Path.DirectorySeparatorChar));
}
