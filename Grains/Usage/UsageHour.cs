using System.Collections.Immutable;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace Emu3.Grains.Usage;

/// <summary>See <see cref="IUsageHour"/>.</summary>
[Reentrant]
public sealed partial class UsageHour : Grain, IUsageHour
{
    private readonly DurableState<UsageHourState, UsageHourState> _state;
    private readonly ILogger<UsageHour> _logger;

    public UsageHour([PersistentState("usage.hour", ClusterProviders.GrainStorage)] IPersistentState<UsageHourState> row, ILogger<UsageHour> logger)
    {
        _logger = logger;
        _state = new(row, stored => stored, state => state, OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _state.Load();
        return Task.CompletedTask;
    }

    public Task Tell(JobUsage usage)
    {
        _state.Current = _state.Current.With(usage);
        return _state.SettleAsync();
    }

    public Task<JobUsage[]> Read()
    {
        _state.ThrowIfFaulted();
        return Task.FromResult<JobUsage[]>([.. _state.Durable.Jobs.Values.OrderBy(job => job.Job.Value, StringComparer.Ordinal)]);
    }

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure, this.GetPrimaryKeyString());
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Error, "Hour {Hour} of the usage ledger could not be stored; it starts again from what is stored.")]
    private partial void LogNotStored(Exception failure, string hour);
}

/// <summary>The jobs of a part of an hour as they are stored.</summary>
[GenerateSerializer, Immutable, Alias("emu3.UsageHourState")]
public sealed record UsageHourState
{
    [Id(0)] public int SchemaVersion { get; init; } = 1;

    /// <summary>By id of the job.</summary>
    [Id(1)] public ImmutableDictionary<string, JobUsage> Jobs { get; init; } = ImmutableDictionary<string, JobUsage>.Empty;

    /// <summary>With what a job used; what was told already, or overtaken by a later attempt, changes nothing.</summary>
    public UsageHourState With(JobUsage usage) =>
        Jobs.TryGetValue(usage.Job.Value, out var known) && known.Attempt >= usage.Attempt ? this : this with { Jobs = Jobs.SetItem(usage.Job.Value, usage) };
}
