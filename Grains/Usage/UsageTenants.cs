using System.Collections.Immutable;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace Emu3.Grains.Usage;

/// <summary>See <see cref="IUsageTenants"/>.</summary>
[Reentrant]
public sealed partial class UsageTenants : Grain, IUsageTenants
{
    private readonly DurableState<UsageTenantsState, UsageTenantsState> _state;
    private readonly ILogger<UsageTenants> _logger;

    public UsageTenants([PersistentState("usage.tenants", ClusterProviders.GrainStorage)] IPersistentState<UsageTenantsState> row, ILogger<UsageTenants> logger)
    {
        _logger = logger;
        _state = new(row, stored => stored, state => state, OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _state.Load();
        return Task.CompletedTask;
    }

    public Task Add(string tenant)
    {
        if (!_state.Current.Tenants.Contains(tenant)) _state.Current = _state.Current with { Tenants = _state.Current.Tenants.Add(tenant) };
        return _state.SettleAsync();
    }

    public Task<string[]> List()
    {
        _state.ThrowIfFaulted();
        return Task.FromResult<string[]>([.. _state.Durable.Tenants.Order(StringComparer.Ordinal)]);
    }

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure);
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Error, "The tenants of the usage ledger could not be stored; they start again from what is stored.")]
    private partial void LogNotStored(Exception failure);
}

/// <summary>The tenants as they are stored.</summary>
[GenerateSerializer, Immutable, Alias("emu3.UsageTenantsState")]
public sealed record UsageTenantsState
{
    [Id(0)] public int SchemaVersion { get; init; } = 1;
    [Id(1)] public ImmutableHashSet<string> Tenants { get; init; } = [];
}
