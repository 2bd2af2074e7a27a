using System.Collections.Immutable;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Storage;
using Emu3.Storage.Blobs;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace Emu3.Grains.Files;

/// <summary>
/// See <see cref="IFileShelf"/>. A file is on the shelf from before its first byte until after its last is gone, so that nothing is left in the blob store
/// that nobody knows of.
/// </summary>
[Reentrant]
public sealed partial class FileShelf : Grain, IFileShelf, IRemindable
{
    private const string SweepReminder = "sweep";
    /// <summary>Soon: a machine that is never up for as long as the period sweeps as well.</summary>
    private static readonly TimeSpan s_sweepDue = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_sweepPeriod = TimeSpan.FromHours(1);

    /// <summary>What has not arrived after so long has lost its sender.</summary>
    private static readonly TimeSpan s_longestArrival = TimeSpan.FromDays(1);

    private readonly DurableState<ImmutableDictionary<string, UploadedFile>, FileShelfRow> _files;
    private readonly IBlobStore _blobs;
    private readonly TimeProvider _time;
    private readonly ILogger<FileShelf> _logger;
    private bool _isArmed;

    public FileShelf(
        [PersistentState("fileshelf", ClusterProviders.GrainStorage)] IPersistentState<FileShelfRow> row, IBlobStore blobs, TimeProvider time,
        ILogger<FileShelf> logger)
    {
        (_blobs, _time, _logger) = (blobs, time, logger);
        _files = new(row, stored => stored.Files.ToImmutableDictionary(file => file.Id.Value), files => new FileShelfRow { Files = [.. files.Values] }, OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _files.Load();
        return Task.CompletedTask;
    }

    public async Task<bool> Put(UploadedFile file)
    {
        await ArmAsync();
        if (_files.Current.Count >= IFileShelf.MaxFiles && !_files.Current.ContainsKey(file.Id.Value)) return false;
        _files.Current = _files.Current.SetItem(file.Id.Value, file);
        await _files.SettleAsync();
        return true;
    }

    public Task<UploadedFile?> Find(FileId file)
    {
        _files.ThrowIfFaulted();
        return Task.FromResult(_files.Durable.GetValueOrDefault(file.Value) is { } found && IsThere(found) ? found : null);
    }

    public async Task<bool> Remove(FileId file)
    {
        _files.ThrowIfFaulted();
        if (!_files.Current.TryGetValue(file.Value, out var known)) return false;
        await RemoveAsync(file);
        return IsThere(known);
    }

    public Task<IReadOnlyList<UploadedFile>> List(FilePlace? after, int most, bool isNewestFirst, FilePurpose? purpose)
    {
        _files.ThrowIfFaulted();
        var files = _files.Durable.Values.Where(file => IsThere(file) && (purpose is null || file.Purpose == purpose))
            .Select(file => (File: file, Place: new FilePlace(file.CreatedAt, file.Id.Value)))
            .Where(one => one.Place.IsBehind(after, isNewestFirst));
        files = isNewestFirst ? files.OrderByDescending(one => one.Place, FilePlace.OldestFirst) : files.OrderBy(one => one.Place, FilePlace.OldestFirst);
        return Task.FromResult<IReadOnlyList<UploadedFile>>([.. files.Take(most).Select(one => one.File)]);
    }

    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        var now = _time.GetUtcNow();
        foreach (var file in _files.Durable.Values.Where(file => file.IsComplete ? file.ExpiresAt <= now : now - file.CreatedAt > s_longestArrival).ToList())
        {
            try
            {
                await RemoveAsync(file.Id);
            }
            catch (IOException failure)
            {
                LogNotRemoved(failure, file.Id);
            }
        }

        if (_files.Durable.IsEmpty && _files.Current.IsEmpty && await this.GetReminder(SweepReminder) is { } reminder)
        {
            _isArmed = false;
            await this.UnregisterReminder(reminder);
        }
    }

    private bool IsThere(UploadedFile file) => file.IsComplete && !(file.ExpiresAt <= _time.GetUtcNow());

    /// <summary>The bytes go first: what fails in between is still known, and is removed again.</summary>
    private async Task RemoveAsync(FileId file)
    {
        await _blobs.DeleteAsync(BlobKeys.File(TenantOf(this.GetPrimaryKeyString()), file));
        _files.Current = _files.Current.Remove(file.Value);
        await _files.SettleAsync();
    }

    private static string TenantOf(string key) => key[(key.IndexOf('/', StringComparison.Ordinal) + 1)..key.LastIndexOf('/')];

    private async Task ArmAsync()
    {
        if (_isArmed) return;
        await this.RegisterOrUpdateReminder(SweepReminder, s_sweepDue, s_sweepPeriod);
        _isArmed = true;
    }

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure, this.GetPrimaryKeyString());
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Error, "The shelf {Shelf} could not be stored; it starts again from what is stored.")]
    private partial void LogNotStored(Exception failure, string shelf);

    [LoggerMessage(LogLevel.Warning, "File {File} could not be removed; that is tried again in an hour.")]
    private partial void LogNotRemoved(Exception failure, FileId file);
}

/// <summary>A part of a shelf as it is stored.</summary>
[GenerateSerializer, Alias("emu3.FileShelfRow")]
public sealed class FileShelfRow
{
    [Id(0)] public int SchemaVersion { get; set; } = 1;
    [Id(1)] public UploadedFile[] Files { get; set; } = [];
}
