using Emu3.Grains.Interfaces;
using Emu3.Storage;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Jobs;

/// <summary>See <see cref="IRequestKey"/>.</summary>
public sealed partial class RequestKey : Grain, IRequestKey
{
    private readonly DurableState<RequestKeyRow, RequestKeyRow> _row;
    private readonly ILogger<RequestKey> _logger;

    public RequestKey([PersistentState("requestkey", ClusterProviders.GrainStorage)] IPersistentState<RequestKeyRow> row, ILogger<RequestKey> logger)
    {
        _logger = logger;
        _row = new(row, stored => stored, state => state, OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _row.Load();
        return Task.CompletedTask;
    }

    public Task<RequestClaim?> Find()
    {
        _row.ThrowIfFaulted();
        return Task.FromResult(_row.Durable.Claim);
    }

    public async Task<RequestClaim> Claim(RequestClaim claim, JobId? inPlaceOf)
    {
        _row.ThrowIfFaulted();
        var holder = _row.Current.Claim;
        if (holder is not null && holder.ContentHash != claim.ContentHash) throw new IdempotencyConflictException(holder.Job.Value);
        if (holder is null || holder.Job == inPlaceOf) _row.Current = new() { Claim = claim };
        await _row.SettleAsync();
        return _row.Durable.Claim!;
    }

    public async Task Forget(JobId job)
    {
        _row.ThrowIfFaulted();
        if (_row.Current.Claim?.Job != job) return;
        await _row.ClearAsync();
        DeactivateOnIdle();
    }

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure, this.GetPrimaryKeyString());
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Error, "Who holds {Key} could not be stored; it starts again from what is stored.")]
    private partial void LogNotStored(Exception failure, string key);
}

/// <summary>A request's key as it is stored.</summary>
[GenerateSerializer, Immutable, Alias("emu3.RequestKeyRow")]
public sealed record RequestKeyRow
{
    [Id(0)] public int SchemaVersion { get; init; } = 1;

    /// <summary>Null: nobody holds it.</summary>
    [Id(1)] public RequestClaim? Claim { get; init; }
}
