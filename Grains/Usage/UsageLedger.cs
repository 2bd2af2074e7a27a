using System.Collections.Immutable;
using Emu3.Grains.Catalogs;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace Emu3.Grains.Usage;

/// <summary>See <see cref="IUsageLedger"/>. An hour is written here, and the tenant where all are listed, before the first job is written there.</summary>
[Reentrant]
public sealed partial class UsageLedger : Grain, IUsageLedger
{
    private readonly DurableState<UsageLedgerState, UsageLedgerState> _state;
    private readonly ILogger<UsageLedger> _logger;
    private bool _isListed;

    public UsageLedger(
        [PersistentState("usage", ClusterProviders.GrainStorage)] IPersistentState<UsageLedgerState> row, ILogger<UsageLedger> logger)
    {
        _logger = logger;
        _state = new(row, stored => stored, state => state, OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _state.Load();
        return Task.CompletedTask;
    }

    public async Task Tell(JobUsage usage)
    {
        if (!_isListed) await GrainFactory.GetGrain<IUsageTenants>(0).Add(usage.Tenant);
        _isListed = true;
        var hour = CatalogOrder.HourOf(usage.AcceptedAt);
        if (!_state.Current.Hours.Contains(hour)) _state.Current = _state.Current with { Hours = _state.Current.Hours.Add(hour) };
        await _state.SettleAsync();
        await GrainFactory.GetGrain<IUsageHour>(IUsageHour.KeyOf(usage.Tenant, hour, IJobIndex.PartOf(usage.Job))).Tell(usage);
    }

    public Task<int[]> Hours(int from, int until)
    {
        _state.ThrowIfFaulted();
        return Task.FromResult<int[]>([.. _state.Durable.Hours.Where(hour => hour >= from && hour < until)]);
    }

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure, this.GetPrimaryKeyString());
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Error, "The usage ledger of {Tenant} could not be stored; it starts again from what is stored.")]
    private partial void LogNotStored(Exception failure, string tenant);
}

/// <summary>The hours in which a tenant used anything, counted from the Unix epoch, as they are stored.</summary>
[GenerateSerializer, Immutable, Alias("emu3.UsageLedgerState")]
public sealed record UsageLedgerState
{
    [Id(0)] public int SchemaVersion { get; init; } = 1;
    [Id(1)] public ImmutableSortedSet<int> Hours { get; init; } = [];
}
