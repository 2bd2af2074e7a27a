using System.Collections.Immutable;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;

namespace Emu3.Grains.Catalogs;

/// <summary>
/// See <see cref="IJobCatalog"/>. Knows only in which hours the tenant made jobs; <see cref="JobCatalogHour"/> knows which. An hour is written here before
/// its first job is written there. Where ended jobs are not kept for ever, a reminder has the old ones removed (JobCatalog.Retention.cs).
/// </summary>
[Reentrant]
public sealed partial class JobCatalog : Grain, IJobCatalog
{
    private const int MaxInMessage = 4096;

    private readonly DurableState<ImmutableSortedSet<int>, JobCatalogRow> _hours;
    private readonly JobOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<JobCatalog> _logger;

    // Adds that have begun, by hour: an hour that was found empty is only forgotten when none came since.
    private readonly Dictionary<int, int> _addCounts = [];
    private int _addsInFlight;

    public JobCatalog(
        [PersistentState("jobcatalog", ClusterProviders.GrainStorage)] IPersistentState<JobCatalogRow> row,
        IOptions<JobOptions> options, TimeProvider time, ILogger<JobCatalog> logger)
    {
        (_options, _time, _logger) = (options.Value, time, logger);
        _hours = new(row, stored => [.. stored.Hours], hours => new JobCatalogRow { Hours = [.. hours] }, OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _hours.Load();
        return Task.CompletedTask;
    }

    public async Task Add(JobId job, DateTimeOffset createdAt)
    {
        var hour = CatalogOrder.HourOf(createdAt);
        _addCounts[hour] = _addCounts.GetValueOrDefault(hour) + 1;
        _addsInFlight++;
        try
        {
            await ArmAsync();
            _hours.Current = _hours.Current.Add(hour);
            await _hours.SettleAsync();
            await Hour(hour).Add(new CatalogEntry(job, createdAt));
        }
        finally
        {
            _addsInFlight--;
        }
    }

    public Task Remove(JobId job, DateTimeOffset createdAt) => Hour(CatalogOrder.HourOf(createdAt)).Remove(new CatalogEntry(job, createdAt));

    public async Task<IReadOnlyList<CatalogEntry>> List(CatalogEntry? after, int most)
    {
        _hours.ThrowIfFaulted();
        await ArmAsync();
        most = Math.Min(most, MaxInMessage);
        var newest = after is null ? int.MaxValue : CatalogOrder.HourOf(after.CreatedAt);
        var entries = new List<CatalogEntry>();
        foreach (var hour in _hours.Durable.Reverse().Where(hour => hour <= newest).ToList())
        {
            if (entries.Count >= most) break;
            var added = _addCounts.GetValueOrDefault(hour);
            var page = await Hour(hour).List(hour == newest ? after : null, most - entries.Count);
            entries.AddRange(page);
            if (page.Count == 0 && hour != newest) ForgetIfPast(hour, added);
        }

        return entries;
    }

    /// <summary>An hour whose jobs are all gone is forgotten, once none can be added to it but by a submitter that took a day.</summary>
    private void ForgetIfPast(int hour, int addCount)
    {
        if (_addsInFlight > 0 || _addCounts.GetValueOrDefault(hour) != addCount || CatalogOrder.HourOf(_time.GetUtcNow()) - hour < 24) return;
        _addCounts.Remove(hour);
        _hours.Current = _hours.Current.Remove(hour); // written with the next change; to keep it is harmless
    }

    private IJobCatalogHour Hour(int hour) => GrainFactory.GetGrain<IJobCatalogHour>($"{this.GetPrimaryKeyString()}/{hour}");

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure, this.GetPrimaryKeyString());
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Error, "The job catalog of {Tenant} could not be stored; it starts again from what is stored.")]
    private partial void LogNotStored(Exception failure, string tenant);
}

/// <summary>The hours in which a tenant made jobs, counted from the Unix epoch, as they are stored.</summary>
[GenerateSerializer, Alias("emu3.JobCatalogRow")]
public sealed class JobCatalogRow
{
    [Id(0)] public int SchemaVersion { get; set; } = 1;
    [Id(1)] public int[] Hours { get; set; } = [];
}
