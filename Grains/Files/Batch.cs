using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Grains.Webhooks;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;

namespace Emu3.Grains.Files;

/// <summary>See <see cref="IBatch"/>. Where batches expire, a reminder of its own ends it in time.</summary>
[Reentrant]
public sealed partial class Batch : Grain, IBatch, IRemindable
{
    private const string ExpireReminder = "expire";
    private static readonly TimeSpan s_claimTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_shortestDue = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_longestDue = TimeSpan.FromDays(30);
    private static readonly TimeSpan s_askPeriod = TimeSpan.FromMinutes(10);

    private readonly DurableState<BatchRow, BatchRow> _row;
    private readonly WebhookOptions _webhooks;
    private readonly TimeProvider _time;
    private readonly ILogger<Batch> _logger;
    private (string Who, long At)? _claim;

    public Batch(
        [PersistentState("batch", ClusterProviders.GrainStorage)] IPersistentState<BatchRow> row, IOptions<WebhookOptions> webhooks, TimeProvider time,
        ILogger<Batch> logger)
    {
        (_webhooks, _time, _logger) = (webhooks.Value, time, logger);
        _row = new(row, stored => stored, state => state, OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _row.Load();
        return Task.CompletedTask;
    }

    public async Task<BatchInfo> Create(BatchInfo batch)
    {
        _row.ThrowIfFaulted();
        if (_row.Current.Info is { } known && !known.IsSameRequest(batch)) throw new IdempotencyConflictException(batch.Id.Value);
        if ((_row.Current.Info ?? batch).ExpiresAt is { } end)
        {
            var due = Math.Clamp((end - _time.GetUtcNow()).Ticks, s_shortestDue.Ticks, s_longestDue.Ticks);
            await this.RegisterOrUpdateReminder(ExpireReminder, TimeSpan.FromTicks(due), s_askPeriod);
        }

        await ExpectEndAsync(_row.Current.Info ?? batch);
        _row.Current = _row.Current.Info is null ? new BatchRow { Info = batch } : _row.Current;
        await _row.SettleAsync();
        return _row.Durable.Info!;
    }

    public Task<BatchInfo?> Find()
    {
        _row.ThrowIfFaulted();
        return Task.FromResult(_row.Durable.Info);
    }

    public Task<bool> Claim(string claimant)
    {
        _row.ThrowIfFaulted();
        if (_row.Durable.Info is not { Stage: BatchStage.Validating }) return Task.FromResult(false);
        if (_claim is { } held && held.Who != claimant && _time.GetElapsedTime(held.At) < s_claimTime) return Task.FromResult(false);
        _claim = (claimant, _time.GetTimestamp());
        return Task.FromResult(true);
    }

    public async Task<BatchInfo?> Settle(BatchStage stage, IReadOnlyList<BatchError> errors, byte[] inlineItems, byte[] sampleCounts)
    {
        var settled = await TurnAsync(info =>
            info.Stage != BatchStage.Validating ? info
                : info with { Stage = stage, StagedAt = _time.GetUtcNow(), Errors = errors, InlineItems = inlineItems, SampleCounts = sampleCounts });
        if (settled?.Webhook is not null) await AnnounceAsync();
        return settled;
    }

    public Task<BatchInfo?> Cancel() => TurnAsync(info =>
        info.CancelledAt is not null || info.Stage is BatchStage.Failed or BatchStage.Cancelled ? info : info with { CancelledAt = _time.GetUtcNow() });

    public Task<BatchInfo?> Count(long after, BatchUsage usage) => TurnAsync(info => info.Usage.OutcomeCount != after ? info : info with { Usage = usage });

    public Task Measure(bool isErrors, BatchFileSize? size) => TurnAsync(info =>
        (isErrors ? info.ErrorSize : info.OutputSize) == size ? info : isErrors ? info with { ErrorSize = size } : info with { OutputSize = size });

    public async Task<bool> DeleteFile(bool isErrors) => await TurnAsync(info =>
        isErrors ? info with { AreErrorsDeleted = true } : info with { IsOutputDeleted = true }) is not null;

    public async Task Remove()
    {
        _row.ThrowIfFaulted();
        if (_row.Current.Info is not { } info) return;
        if (info.Webhook is not null) await Delivery(info).Forget();
        await ForgetReminderAsync(AnnounceReminder);
        await ForgetReminderAsync(ExpireReminder);
        await _row.ClearAsync();
        DeactivateOnIdle();
    }

    public Task ReceiveReminder(string reminderName, TickStatus status) => reminderName == AnnounceReminder ? AnnounceAsync() : ExpireAsync();

    /// <summary>The window is over: what has not ended is cancelled.</summary>
    private async Task ExpireAsync()
    {
        if (_row.Current.Info is { ExpiresAt: { } end } info && end > _time.GetUtcNow()) return;
        if (_row.Current.Info is { CancelledAt: null, Stage: BatchStage.Validating or BatchStage.Accepted } && !await HasEndedAsync())
        {
            info = (await TurnAsync(now => now.CancelledAt is null ? now with { CancelledAt = _time.GetUtcNow(), IsExpired = true } : now))!;
            LogExpired(info.Id);
        }

        if (_row.Current.Info is { CancelledAt: not null, Stage: BatchStage.Accepted } cancelled)
            await GrainFactory.GetGrain<IGenerationJob>(cancelled.Id.Job.Value).Cancel();
        if (_row.Current.Info is not { Stage: BatchStage.Validating }) await ForgetReminderAsync(ExpireReminder);
    }

    private async Task<bool> HasEndedAsync()
    {
        if (_row.Current.Info is not { Stage: BatchStage.Accepted } info) return false;
        try
        {
            return (await GrainFactory.GetGrain<IGenerationJob>(info.Id.Job.Value).GetSnapshot()).IsTerminal;
        }
        catch (JobNotFoundException)
        {
            return true;
        }
    }

    private async Task ForgetReminderAsync(string name)
    {
        if (await this.GetReminder(name) is { } reminder) await this.UnregisterReminder(reminder);
    }

    private async Task<BatchInfo?> TurnAsync(Func<BatchInfo, BatchInfo> decide)
    {
        _row.ThrowIfFaulted();
        if (_row.Current.Info is not { } info) return null;
        var decided = decide(info);
        if (decided != info) _row.Current = new BatchRow { Info = decided };
        await _row.SettleAsync();
        return _row.Durable.Info;
    }

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure, this.GetPrimaryKeyString());
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Information, "Batch {Batch} has not ended within its window: the rest of it is cancelled.")]
    private partial void LogExpired(BatchId batch);

    [LoggerMessage(LogLevel.Error, "Batch {Batch} could not be stored; it starts again from what is stored.")]
    private partial void LogNotStored(Exception failure, string batch);
}

/// <summary>A batch as it is stored; no entry: there is none.</summary>
[GenerateSerializer, Alias("emu3.BatchRow")]
public sealed class BatchRow
{
    [Id(0)] public int SchemaVersion { get; set; } = 1;
    [Id(1)] public BatchInfo? Info { get; set; }
}
