using System.Collections.Immutable;
using Emu3.Grains.Interfaces;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace Emu3.Grains.Jobs;

/// <summary>See <see cref="IJobIndex"/>.</summary>
[Reentrant]
public sealed partial class JobIndex : Grain, IJobIndex, IRemindable
{
    private const string WakeReminder = "wake";
    private readonly DurableState<ImmutableHashSet<string>, JobIndexRow> _jobs;
    private readonly ILogger<JobIndex> _logger;
    private bool _isArmed;

    public JobIndex([PersistentState("jobindex", ClusterProviders.GrainStorage)] IPersistentState<JobIndexRow> row, ILogger<JobIndex> logger)
    {
        _logger = logger;
        _jobs = new(row, stored => [.. stored.Jobs], jobs => new JobIndexRow { Jobs = [.. jobs] }, GiveUp);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _jobs.Load();
        return Task.CompletedTask;
    }

    public async Task Add(JobId job)
    {
        if (!_isArmed)
        {
            await this.RegisterOrUpdateReminder(WakeReminder, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
            _isArmed = true;
        }

        _jobs.Current = _jobs.Current.Add(job.Value);
        await _jobs.SettleAsync();
    }

    public Task Remove(JobId job)
    {
        _jobs.Current = _jobs.Current.Remove(job.Value);
        return _jobs.SettleAsync();
    }

    public Task<IReadOnlyList<JobId>> List()
    {
        _jobs.ThrowIfVoid();
        return Task.FromResult<IReadOnlyList<JobId>>([.. _jobs.Durable.Select(job => new JobId(job))]);
    }

    /// <summary>Comes by after a crash of everything too: the dispatcher then starts, and looks through the index.</summary>
    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        if (!_jobs.Durable.IsEmpty)
        {
            await GrainFactory.GetGrain<IDispatcher>(0).Wake();
        }
        else if (await this.GetReminder(WakeReminder) is { } reminder)
        {
            _isArmed = false;
            await this.UnregisterReminder(reminder);
        }
    }

    private void GiveUp(Exception failure)
    {
        LogNotStored(failure, this.GetPrimaryKeyLong());
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Error, "Part {Part} of the job index could not be stored; it starts again from what is stored.")]
    private partial void LogNotStored(Exception failure, long part);
}

/// <summary>The index as it is stored.</summary>
[GenerateSerializer, Alias("emu3.JobIndexRow")]
public sealed class JobIndexRow
{
    [Id(0)] public int SchemaVersion { get; set; } = 1;
    [Id(1)] public string[] Jobs { get; set; } = [];
}
