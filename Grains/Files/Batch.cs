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
        _row = new(row, stored => stored, state => state, GiveUp);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _row.Load();
        return Task.CompletedTask;
    }

    public async Task<BatchCard> Create(BatchCard batch)
    {
        _row.ThrowIfVoid();
        if (_row.Current.Card is { } known && !known.IsSameRequest(batch)) throw new IdempotencyConflictException(batch.Id.Value);
        if ((_row.Current.Card ?? batch).ExpiresAt is { } end)
        {
            var due = Math.Clamp((end - _time.GetUtcNow()).Ticks, s_shortestDue.Ticks, s_longestDue.Ticks);
            await this.RegisterOrUpdateReminder(ExpireReminder, TimeSpan.FromTicks(due), s_askPeriod);
        }

        await ExpectEndAsync(_row.Current.Card ?? batch);
        _row.Current = _row.Current.Card is null ? new BatchRow { Card = batch } : _row.Current;
        await _row.SettleAsync();
        return _row.Durable.Card!;
    }

    public Task<BatchCard?> Find()
    {
        _row.ThrowIfVoid();
        return Task.FromResult(_row.Durable.Card);
    }

    public Task<bool> Claim(string claimant)
    {
        _row.ThrowIfVoid();
        if (_row.Durable.Card is not { Stage: BatchStage.Validating }) return Task.FromResult(false);
        if (_claim is { } held && held.Who != claimant && _time.GetElapsedTime(held.At) < s_claimTime) return Task.FromResult(false);
        _claim = (claimant, _time.GetTimestamp());
        return Task.FromResult(true);
    }

    public async Task<BatchCard?> Settle(BatchStage stage, IReadOnlyList<BatchError> errors, byte[] inlineItems, byte[] sampleCounts)
    {
        var settled = await TurnAsync(card =>
            card.Stage != BatchStage.Validating ? card
                : card with { Stage = stage, StagedAt = _time.GetUtcNow(), Errors = errors, InlineItems = inlineItems, SampleCounts = sampleCounts });
        if (settled?.Webhook is not null) await AnnounceAsync();
        return settled;
    }

    public Task<BatchCard?> Cancel() => TurnAsync(card =>
        card.CancelledAt is not null || card.Stage is BatchStage.Failed or BatchStage.Cancelled ? card : card with { CancelledAt = _time.GetUtcNow() });

    public Task<BatchCard?> Count(long after, BatchUsage usage) => TurnAsync(card => card.Usage.OutcomeCount != after ? card : card with { Usage = usage });

    public Task Measure(bool isErrors, BatchFileSize? size) => TurnAsync(card =>
        (isErrors ? card.ErrorSize : card.OutputSize) == size ? card : isErrors ? card with { ErrorSize = size } : card with { OutputSize = size });

    public async Task<bool> DeleteFile(bool isErrors) => await TurnAsync(card =>
        isErrors ? card with { AreErrorsDeleted = true } : card with { IsOutputDeleted = true }) is not null;

    public async Task Remove()
    {
        _row.ThrowIfVoid();
        if (_row.Current.Card is not { } card) return;
        if (card.Webhook is not null) await Delivery(card).Forget();
        await ForgetReminderAsync(AnnounceReminder);
        await ForgetReminderAsync(ExpireReminder);
        await _row.ClearAsync();
        DeactivateOnIdle();
    }

    public Task ReceiveReminder(string reminderName, TickStatus status) => reminderName == AnnounceReminder ? AnnounceAsync() : ExpireAsync();

    /// <summary>The window is over: what has not ended is cancelled.</summary>
    private async Task ExpireAsync()
    {
        if (_row.Current.Card is { ExpiresAt: { } end } card && end > _time.GetUtcNow()) return;
        if (_row.Current.Card is { CancelledAt: null, Stage: BatchStage.Validating or BatchStage.Accepted } && !await HasEndedAsync())
        {
            card = (await TurnAsync(now => now.CancelledAt is null ? now with { CancelledAt = _time.GetUtcNow(), IsExpired = true } : now))!;
            LogExpired(card.Id);
        }

        if (_row.Current.Card is { CancelledAt: not null, Stage: BatchStage.Accepted } cancelled)
            await GrainFactory.GetGrain<IGenerationJob>(cancelled.Id.Job.Value).Cancel();
        if (_row.Current.Card is not { Stage: BatchStage.Validating }) await ForgetReminderAsync(ExpireReminder);
    }

    private async Task<bool> HasEndedAsync()
    {
        if (_row.Current.Card is not { Stage: BatchStage.Accepted } card) return false;
        try
        {
            return (await GrainFactory.GetGrain<IGenerationJob>(card.Id.Job.Value).GetSnapshot()).IsTerminal;
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

    private async Task<BatchCard?> TurnAsync(Func<BatchCard, BatchCard> decide)
    {
        _row.ThrowIfVoid();
        if (_row.Current.Card is not { } card) return null;
        var decided = decide(card);
        if (decided != card) _row.Current = new BatchRow { Card = decided };
        await _row.SettleAsync();
        return _row.Durable.Card;
    }

    private void GiveUp(Exception failure)
    {
        LogNotStored(failure, this.GetPrimaryKeyString());
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Information, "Batch {Batch} has not ended within its window: the rest of it is cancelled.")]
    private partial void LogExpired(BatchId batch);

    [LoggerMessage(LogLevel.Error, "Batch {Batch} could not be stored; it starts again from what is stored.")]
    private partial void LogNotStored(Exception failure, string batch);
}

/// <summary>A batch as it is stored; no card: there is none.</summary>
[GenerateSerializer, Alias("emu3.BatchRow")]
public sealed class BatchRow
{
    [Id(0)] public int SchemaVersion { get; set; } = 1;
    [Id(1)] public BatchCard? Card { get; set; }
}
