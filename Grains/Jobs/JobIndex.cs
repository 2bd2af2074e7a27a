using System.Collections.Immutable;
using Emu3.Grains.Interfaces;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace Emu3.Grains.Jobs;

/// <summary>See <see cref="IJobIndex"/>. Deleted jobs have a row of their own, so that many of them make no job's beginning or end slower.</summary>
[Reentrant]
public sealed partial class JobIndex : Grain, IJobIndex, IRemindable
{
    private const string WakeReminder = "wake";
    private readonly DurableState<ImmutableHashSet<string>, JobIndexRow> _jobs;
    private readonly DurableState<ImmutableDictionary<string, DateTimeOffset>, JobGravesRow> _graves;
    private readonly TimeProvider _time;
    private readonly ILogger<JobIndex> _logger;
    private bool _isArmed;

    public JobIndex(
        [PersistentState("jobindex", ClusterProviders.GrainStorage)] IPersistentState<JobIndexRow> row,
        [PersistentState("jobindex.graves", ClusterProviders.GrainStorage)] IPersistentState<JobGravesRow> graves,
        TimeProvider time, ILogger<JobIndex> logger)
    {
        (_time, _logger) = (time, logger);
        _jobs = new(row, stored => [.. stored.Jobs], jobs => new JobIndexRow { Jobs = [.. jobs] }, OnWriteFailed);
        _graves = new(graves, stored => stored.ToGraves(), JobGravesRow.From, OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _jobs.Load();
        _graves.Load();
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

    public async Task Bury(JobId job, DateTimeOffset until)
    {
        _graves.Current = _graves.Current.SetItem(job.Value, until);
        await _graves.SettleAsync();
        _jobs.Current = _jobs.Current.Remove(job.Value);
        await _jobs.SettleAsync();
    }

    public async Task Remove(JobId job)
    {
        _jobs.Current = _jobs.Current.Remove(job.Value);
        _graves.Current = _graves.Current.Remove(job.Value);
        await _jobs.SettleAsync();
        await _graves.SettleAsync();
    }

    public Task<IReadOnlyList<JobId>> List()
    {
        _jobs.ThrowIfFaulted();
        _graves.ThrowIfFaulted();
        var now = _time.GetUtcNow();
        var due = _graves.Durable.Where(grave => grave.Value <= now).Select(grave => grave.Key);
        return Task.FromResult<IReadOnlyList<JobId>>([.. _jobs.Durable.Union(due).Select(job => new JobId(job))]);
    }

    /// <summary>Comes by after a crash of everything too: the dispatcher then starts, and looks through the index.</summary>
    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        if (!_jobs.Durable.IsEmpty || !_graves.Durable.IsEmpty)
        {
            await GrainFactory.GetGrain<IDispatcher>(0).Wake();
        }
        else if (await this.GetReminder(WakeReminder) is { } reminder)
        {
            _isArmed = false;
            await this.UnregisterReminder(reminder);
        }
    }

    private void OnWriteFailed(Exception failure)
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

/// <summary>Deleted jobs as they are stored, each with the time from which on nobody can write any more what belongs to it.</summary>
[GenerateSerializer, Alias("emu3.JobGravesRow")]
public sealed class JobGravesRow
{
    [Id(0)] public int SchemaVersion { get; set; } = 1;
    [Id(1)] public string[] Jobs { get; set; } = [];

    /// <summary>Unix seconds.</summary>
    [Id(2)] public long[] Until { get; set; } = [];

    public static JobGravesRow From(ImmutableDictionary<string, DateTimeOffset> graves) =>
        new() { Jobs = [.. graves.Keys], Until = [.. graves.Values.Select(until => until.ToUnixTimeSeconds())] };

    public ImmutableDictionary<string, DateTimeOffset> ToGraves() =>
        Jobs.Zip(Until).ToImmutableDictionary(grave => grave.First, grave => DateTimeOffset.FromUnixTimeSeconds(grave.Second));
}
