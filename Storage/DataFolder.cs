using System.Text.Json;
using Emu3.Storage.Embedded;
using Microsoft.Data.Sqlite;

namespace Emu3.Storage;

/// <summary>
/// The folder that holds all an embedded cluster keeps: <c>state.db</c> (grains, reminders), <c>membership.db</c>, <c>blobs/</c>,
/// <c>lock</c> (held by the one process that runs the cluster, or shared by the many of one) and <c>server.json</c> (where the one process answers HTTP).
/// </summary>
public sealed class DataFolder
{
    private readonly StoreVersion _version;

    private DataFolder(string path, StoreVersion version) => (FullPath, _version) = (path, version);

    /// <summary>The folder, absolute.</summary>
    public string FullPath { get; }
    public string StateFile => Path.Combine(FullPath, "state.db");
    public string MembershipFile => Path.Combine(FullPath, "membership.db");
    public string BlobFolder => Path.Combine(FullPath, "blobs");
    private string LockFile => Path.Combine(FullPath, "lock");
    private string ServerFile => Path.Combine(FullPath, "server.json");

    /// <summary>The user's data folder for this program. Only <see cref="At"/> makes it: a process that does not need it may have no home that it can write.</summary>
    public static string DefaultPath => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "emu3");

    /// <summary>Opens a folder, making it when it is not there.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="version">Of the program; null for that of this one.</param>
    /// <exception cref="DataFolderException">It can't be made or written, lies on a network file system, or belongs to a later release.</exception>
    public static DataFolder At(string path, StoreVersion? version = null)
    {
        var full = Path.GetFullPath(path);
        WritableFolder.Require(full, "data folder", "Give this user the right to write there, or name another folder (--data, or Cluster:DataFolder).");
        if (NetworkFileSystem.NameOf(full) is { } name)
        {
            throw new DataFolderException(
                $"The data folder {full} is on a network file system ({name}), where SQLite's locks don't hold. Name a folder on a local disk.");
        }

        var folder = new DataFolder(full, version ?? StoreVersion.OfProgram);
        if (folder._version.WhyNot($"The data folder {full}", folder.ReadOldestVersion()) is { } refusal) throw new DataFolderException(refusal);
        return folder;
    }

    /// <summary>
    /// Takes the folder for this process until the lock is disposed of or the process ends, however it ends.
    /// Null when another process has it; <see cref="ReadServerAddress"/> then tells where that one answers.
    /// </summary>
    public DataFolderLock? TryLock()
    {
        if (TryOpenLock(FileShare.None) is not { } file) return null;
        File.Delete(ServerFile); // of a process that was killed
        return new DataFolderLock(file, ServerFile);
    }

    /// <summary>
    /// Takes the folder together with the other processes of a cluster, until what it returns is disposed of or the process ends, however it ends.
    /// </summary>
    /// <exception cref="DataFolderException">A process runs a cluster of its own on it; or those of an earlier release share it that could not go on beside this one.</exception>
    public IDisposable Share()
    {
        if (ReadOldestVersion() is var oldest && oldest > 0 && oldest < _version.Oldest && IsShared())
        {
            throw new DataFolderException(
                $"Processes of an earlier release use the data folder {FullPath} (store version {oldest}), and can't go on beside this one (version {_version.Number}). End all of them first.");
        }

        return TryOpenLock(FileShare.ReadWrite) ?? throw new DataFolderException(
            $"The data folder {FullPath} is in use by {(ReadServer() is { } server ? $"process {server.ProcessId}, which answers at {server.Address}" : "an emu3 that is starting or ending")}, "
            + "and that one runs a cluster by itself. End it first, or name another folder as Cluster:DataFolder.");
    }

    /// <summary>Whether processes of a cluster share the folder, so that <see cref="TryLock"/> can't get it: only their gateways tell where they answer.</summary>
    public bool IsShared()
    {
        using (var shared = TryOpenLock(FileShare.ReadWrite))
        {
            if (shared is null) return false;
        }

        using var alone = TryOpenLock(FileShare.None);
        return alone is null;
    }

    /// <summary>0 where nothing is kept yet.</summary>
    private int ReadOldestVersion()
    {
        try
        {
            return Math.Max(SqliteDb.ReadOldestVersion(StateFile), SqliteDb.ReadOldestVersion(MembershipFile));
        }
        catch (SqliteException damaged)
        {
            throw new DataFolderException($"The data folder {FullPath} can't be read: {damaged.Message}", damaged);
        }
    }

    /// <summary>Null when others have it in a way that goes against this one. The lock goes with the process.</summary>
    private FileStream? TryOpenLock(FileShare share)
    {
        try
        {
            return new FileStream(LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, share, 1);
        }
        catch (UnauthorizedAccessException refused)
        {
            throw new DataFolderException($"The data folder {FullPath} can't be written: {refused.Message}", refused);
        }
        catch (IOException) when (File.Exists(LockFile))
        {
            return null;
        }
    }

    /// <summary>Where the process that has the folder answers HTTP; null when it has not said so (yet).</summary>
    public Uri? ReadServerAddress() => ReadServer()?.Address;

    /// <summary>The process that has the folder; null when it has not said where it answers (yet).</summary>
    public RunningServer? ReadServer()
    {
        try
        {
            return JsonSerializer.Deserialize<RunningServer>(File.ReadAllBytes(ServerFile));
        }
        catch (Exception absent) when (absent is FileNotFoundException or JsonException)
        {
            return null;
        }
    }
}

/// <summary>A process that runs a cluster, and where it answers HTTP.</summary>
public sealed record RunningServer(Uri Address, int ProcessId);

/// <summary>A data folder taken by this process.</summary>
public sealed class DataFolderLock : IDisposable
{
    private readonly FileStream _file;
    private readonly string _serverFile;

    internal DataFolderLock(FileStream file, string serverFile) => (_file, _serverFile) = (file, serverFile);

    /// <summary>Tells other processes where this one answers HTTP.</summary>
    public void PublishServerAddress(Uri address)
    {
        var content = JsonSerializer.SerializeToUtf8Bytes(new RunningServer(address, Environment.ProcessId));
        var temporary = _serverFile + ".new";
        File.WriteAllBytes(temporary, content);
        File.Move(temporary, _serverFile, overwrite: true);
    }

    public void Dispose()
    {
        File.Delete(_serverFile);
        _file.Dispose();
    }
}

/// <summary>The data folder can't be used; the message says why and what to do.</summary>
public sealed class DataFolderException(string message, Exception? cause = null) : Exception(message, cause);
