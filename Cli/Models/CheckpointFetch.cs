using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Emu3.Storage.Blobs;
using Emu3.Storage.Objects;

namespace Emu3.Cli.Models;

/// <summary>
/// Copies a checkpoint from an object store into a folder. Files arrive in a folder within it (<c>.fetch</c>), where a start after an interruption finds them and goes
/// on; only when all of them have the hashes that the store's manifest names are they moved to where they are looked for. One process at a time copies into a folder,
/// the others wait for it and then find everything there.
/// </summary>
internal sealed class CheckpointFetch
{
    /// <summary>Holds the hash of the manifest that the folder was completed by.</summary>
    public const string MarkName = ".complete";

    private const string ArrivalName = ".fetch";
    private const string LockName = ".lock";
    private const int FilesAtOnce = 4;
    private const int PieceBytes = 1 << 20;
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(500);
    private readonly ObjectFolder _source;
    private readonly string _sourceName;
    private readonly string _folder;
    private readonly string _arrival;
    private readonly Action<string> _tell;
    private long _fetchedBytes;
    private long _presentBytes;

    /// <param name="source">Where the checkpoint is.</param>
    /// <param name="sourceName">Of the source, for messages.</param>
    /// <param name="folder">Where it goes; made when it is not there.</param>
    /// <param name="tell">Gets a line when something is waited for.</param>
    public CheckpointFetch(ObjectFolder source, string sourceName, string folder, Action<string> tell)
    {
        (_source, _sourceName, _folder, _tell) = (source, sourceName, Path.GetFullPath(folder), tell);
        _arrival = Path.Combine(_folder, ArrivalName);
    }

    /// <summary>Bytes of all files; 0 until that is known.</summary>
    public long TotalBytes { get; private set; }

    /// <summary>Bytes that came from the store in this run.</summary>
    public long FetchedBytes => Interlocked.Read(ref _fetchedBytes);

    /// <summary>Bytes that are in the folder, from this run and earlier ones.</summary>
    public long PresentBytes => Interlocked.Read(ref _presentBytes);

    /// <summary>Returns when the folder has the whole checkpoint.</summary>
    /// <returns>False when it had it before.</returns>
    /// <exception cref="CommandException">The source is not complete or not what its manifest says, or the folder holds something else.</exception>
    /// <exception cref="ObjectStoreException">The store refused, or did not answer in time.</exception>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        var manifest = await ReadManifestAsync(cancellationToken);
        var hashes = CheckpointManifest.Parse(Encoding.UTF8.GetString(manifest));
        var sizes = await _source.ListAsync(cancellationToken);
        if (hashes.Keys.Where(name => !sizes.ContainsKey(name)).Order(StringComparer.Ordinal).ToList() is { Count: > 0 } missing)
        {
            throw CommandException.BadInput(
                $"{_sourceName} is not complete: its {CheckpointManifest.FileName} names {string.Join(", ", missing)}, and the store has no such object. Upload it, and {CheckpointManifest.FileName} last.");
        }

        TotalBytes = hashes.Keys.Sum(name => sizes[name]);
        var mark = Convert.ToHexStringLower(SHA256.HashData(manifest));
        Directory.CreateDirectory(_folder);
        await using (await TakeAsync(cancellationToken))
        {
            Directory.CreateDirectory(_arrival);
            if (IsComplete(mark, hashes.Keys, sizes))
            {
                RemoveArrival();
                return false;
            }

            if (ReadMark() is { } other && other != mark)
            {
                throw CommandException.BadInput($"{_folder} holds another checkpoint than {_sourceName} has now. Processes may be reading it: name another folder, or empty this one.");
            }

            RequireRoom(hashes.Keys, sizes);
            await Parallel.ForEachAsync(
                hashes.OrderByDescending(file => sizes[file.Key]), new ParallelOptions { MaxDegreeOfParallelism = FilesAtOnce, CancellationToken = cancellationToken },
                async (file, token) => await FetchAsync(file.Key, file.Value, sizes[file.Key], token));
            await PlaceAsync(manifest, mark, hashes.Keys, cancellationToken);
            RemoveArrival();
            return true;
        }
    }

    private async Task<byte[]> ReadManifestAsync(CancellationToken cancellationToken)
    {
        await using var stream = await _source.OpenReadAsync(CheckpointManifest.FileName, 0, cancellationToken) ?? throw CommandException.BadInput(
            $"{_sourceName} has no {CheckpointManifest.FileName}, so nobody can tell whether it is complete. Make it where the checkpoint is "
            + $"(cd CHECKPOINT && find . -type f ! -name {CheckpointManifest.FileName} -exec sha256sum {{}} + > {CheckpointManifest.FileName}) and upload it after all other files.");
        using var content = new MemoryStream();
        await stream.CopyToAsync(content, cancellationToken);
        return content.ToArray();
    }

    /// <summary>
    /// The lock of the folder, when no other process has it. It goes with the process; its file stays, since one that was removed could be locked by two.
    /// </summary>
    private async Task<FileStream> TakeAsync(CancellationToken cancellationToken)
    {
        for (var isTold = false; ; isTold = true)
        {
            try
            {
                return new FileStream(PathOf(LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
            }
            catch (IOException) when (File.Exists(PathOf(LockName)))
            {
                if (!isTold)
                {
                    _tell($"Another process copies into {_folder}; waiting for it.");
                }
            }

            await Task.Delay(s_look, TimeProvider.System, cancellationToken);
        }
    }

    private string? ReadMark() => File.Exists(PathOf(MarkName)) ? File.ReadAllText(PathOf(MarkName)).Trim() : null;

    private bool IsComplete(string mark, IEnumerable<string> names, IReadOnlyDictionary<string, long> sizes) =>
        ReadMark() == mark && names.All(name => new FileInfo(PathOf(name)) is { Exists: true } file && file.Length == sizes[name]);

    private void RequireRoom(IEnumerable<string> names, IReadOnlyDictionary<string, long> sizes)
    {
        var open = names.Sum(name => File.Exists(PathOf(name)) ? 0 : Math.Max(0, sizes[name] - LengthOf(ArrivingOf(name))));
        var room = new DriveInfo(_folder).AvailableFreeSpace;
        if (open > room)
        {
            throw CommandException.BadInput(string.Create(
                CultureInfo.InvariantCulture, $"{_folder} has room for {room / 1e9:0.0} GB, and {open / 1e9:0.0} GB of {_sourceName} are still to come. Make room, or name another folder."));
        }
    }

    private async Task FetchAsync(string name, string hash, long size, CancellationToken cancellationToken)
    {
        if (File.Exists(PathOf(name)))
        {
            if (await HashAsync(PathOf(name), cancellationToken) != hash)
            {
                throw CommandException.BadInput($"{PathOf(name)} is there, and is not the file of {_sourceName}. Name another folder, or remove it.");
            }

            Interlocked.Add(ref _presentBytes, size);
            return;
        }

        var arriving = ArrivingOf(name);
        Directory.CreateDirectory(Path.GetDirectoryName(arriving)!);
        while (true)
        {
            if (LengthOf(arriving) > size)
            {
                File.Delete(arriving);
            }

            var had = LengthOf(arriving);
            Interlocked.Add(ref _presentBytes, had);
            if (had < size || !File.Exists(arriving))
            {
                await AppendAsync(name, arriving, had, cancellationToken);
            }

            if (await HashAsync(arriving, cancellationToken) == hash)
            {
                return;
            }

            // What an earlier run left may be of another upload: then all of it comes again. What came whole and is wrong is wrong in the store.
            Interlocked.Add(ref _presentBytes, -LengthOf(arriving));
            File.Delete(arriving);
            if (had == 0)
            {
                throw CommandException.BadInput($"{name} of {_sourceName} has not the hash that {CheckpointManifest.FileName} names: {hash}. Upload it again, and {CheckpointManifest.FileName} last.");
            }
        }
    }

    private async Task AppendAsync(string name, string path, long from, CancellationToken cancellationToken)
    {
        await using var stream = await _source.OpenReadAsync(name, from, cancellationToken)
            ?? throw CommandException.BadInput($"{name} was removed from {_sourceName} meanwhile.");
        await using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0, useAsync: true);
        var piece = new byte[PieceBytes];
        while (await stream.ReadAsync(piece, cancellationToken) is var count and > 0)
        {
            await file.WriteAsync(piece.AsMemory(0, count), cancellationToken);
            Interlocked.Add(ref _fetchedBytes, count);
            Interlocked.Add(ref _presentBytes, count);
        }

        file.Flush(flushToDisk: true);
    }

    /// <summary>By a look at the disk: what is there is what is compared.</summary>
    private static async Task<string> HashAsync(string path, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, PieceBytes, useAsync: true);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken));
    }

    /// <summary>The configuration comes last of the files: a folder without it is no checkpoint to anyone. The mark comes behind all.</summary>
    private async Task PlaceAsync(byte[] manifest, string mark, IEnumerable<string> names, CancellationToken cancellationToken)
    {
        foreach (var name in names.OrderBy(name => name == "config.json").Where(name => !File.Exists(PathOf(name))))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(PathOf(name))!);
            File.Move(ArrivingOf(name), PathOf(name));
            FolderSync.Flush(Path.GetDirectoryName(PathOf(name))!);
        }

        await File.WriteAllBytesAsync(PathOf(CheckpointManifest.FileName), manifest, cancellationToken);
        var next = Path.Combine(_arrival, MarkName);
        await File.WriteAllTextAsync(next, mark + "\n", cancellationToken);
        File.Move(next, PathOf(MarkName), overwrite: true);
        FolderSync.Flush(_folder);
    }

    private void RemoveArrival() => Directory.Delete(_arrival, recursive: true);

    private string PathOf(string name) => Path.Combine(_folder, name);

    private string ArrivingOf(string name) => Path.Combine(_arrival, "files", name);

    private static long LengthOf(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;
}
