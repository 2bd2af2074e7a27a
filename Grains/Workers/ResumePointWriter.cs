using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Storage.Blobs;
using Emu3.Storage.Objects;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Workers;

/// <summary>Reads and writes one item's resume point, beside its generation and never holding it up.</summary>
public sealed partial class ResumePointWriter(
    ItemRun run, string numericClass, IBlobStore blobs, WorkerOptions options, WorkerMetrics metrics, TimeProvider time, ILogger logger)
{
    private readonly string _key = BlobKeys.ResumePoint(run.Job, run.Lease.Item);
    private readonly byte[] _specHash = SpecHash.Of(run.Lease.Spec, run.WeightsHash);
    private Task _write = Task.CompletedTask;
    private long? _savedAt; // or the first tokens came
    private int _savedCount;
    private bool _exists;

    /// <summary>What an earlier lease left, if it is any use here.</summary>
    /// <exception cref="ObjectStoreException">The store is away; what is in it will be of use when it is back.</exception>
    public async Task<ResumePoint?> ReadAsync()
    {
        try
        {
            var bytes = await blobs.ReadAsync(_key);
            _exists = bytes is not null;
            var resumePoint = ResumePoint.Decode(bytes, numericClass, _specHash);
            _savedCount = resumePoint?.Tokens.Count ?? 0;
            return resumePoint;
        }
        catch (Exception failure) when (failure is InvalidDataException or IOException and not ObjectStoreException)
        {
            LogNotRead(failure, run.Name);
            return null;
        }
    }

    /// <summary>Begins to write when enough was generated since the last time, or enough time has passed. Completes when nothing is being written.</summary>
    public Task OfferAsync()
    {
        if (!_write.IsCompleted || run.TokenCount <= _savedCount) return _write;
        _savedAt ??= time.GetTimestamp();
        if (run.TokenCount - _savedCount >= options.CheckpointTokens || time.GetElapsedTime(_savedAt.Value) >= options.CheckpointPeriod) _write = WriteAsync();
        return _write;
    }

    /// <summary>Writes what there is, now.</summary>
    public async Task FlushAsync()
    {
        await _write;
        if (run.TokenCount > _savedCount) await WriteAsync();
    }

    /// <summary>The item has ended: its tokens help nobody any more.</summary>
    public async Task DeleteAsync()
    {
        await _write;
        if (!_exists) return;
        try
        {
            await blobs.DeleteAsync(_key);
        }
        catch (IOException failure)
        {
            // It goes with its job.
            LogNotDeleted(failure, run.Name);
        }
    }

    private async Task WriteAsync()
    {
        await Task.Yield(); // encoding is not the reader's of events business
        var resumePoint = run.ToResumePoint();
        _savedAt = time.GetTimestamp();
        try
        {
            await blobs.WriteAsync(_key, resumePoint.Encode(numericClass, _specHash));
            _savedCount = resumePoint.Tokens.Count;
            _exists = true;
            metrics.ResumePointWritten();
        }
        catch (Exception failure)
        {
            // Costs time after a crash, nothing else.
            LogNotWritten(failure, run.Name);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The resume point of {Item} could not be read; it begins anew.")]
    private partial void LogNotRead(Exception failure, string item);

    [LoggerMessage(LogLevel.Warning, "The resume point of {Item} could not be written.")]
    private partial void LogNotWritten(Exception failure, string item);

    [LoggerMessage(LogLevel.Debug, "The resume point of {Item} could not be deleted.")]
    private partial void LogNotDeleted(Exception failure, string item);
}
