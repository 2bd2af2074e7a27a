using System.Collections.Immutable;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace Emu3.Grains.Catalogs;

/// <summary>See <see cref="IJobCatalogHour"/>.</summary>
[Reentrant]
public sealed partial class JobCatalogHour : Grain, IJobCatalogHour
{
    private readonly DurableState<ImmutableSortedSet<CatalogEntry>, JobCatalogHourRow> _entries;
    private readonly ILogger<JobCatalogHour> _logger;

    public JobCatalogHour(
        [PersistentState("jobcatalog.hour", ClusterProviders.GrainStorage)] IPersistentState<JobCatalogHourRow> row, ILogger<JobCatalogHour> logger)
    {
        _logger = logger;
        _entries = new(row, stored => stored.ToEntries(), JobCatalogHourRow.From, OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _entries.Load();
        return Task.CompletedTask;
    }

    public Task Add(CatalogEntry entry)
    {
        _entries.Current = _entries.Current.Add(entry);
        return _entries.SettleAsync();
    }

    public Task Remove(CatalogEntry entry)
    {
        _entries.Current = _entries.Current.Remove(entry);
        return _entries.SettleAsync();
    }

    public Task<IReadOnlyList<CatalogEntry>> List(CatalogEntry? after, int most)
    {
        _entries.ThrowIfFaulted();
        var entries = _entries.Durable;
        var place = after is null ? 0 : entries.IndexOf(after);
        var first = place < 0 ? ~place : after is null ? 0 : place + 1; // the entry itself may be gone by now
        return Task.FromResult<IReadOnlyList<CatalogEntry>>([.. Enumerable.Range(first, Math.Clamp(entries.Count - first, 0, most)).Select(index => entries[index])]);
    }

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure, this.GetPrimaryKeyString());
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Error, "Hour {Hour} of the job catalog could not be stored; it starts again from what is stored.")]
    private partial void LogNotStored(Exception failure, string hour);
}

/// <summary>An hour of the catalog as it is stored: a column for each field.</summary>
[GenerateSerializer, Alias("emu3.JobCatalogHourRow")]
public sealed class JobCatalogHourRow
{
    [Id(0)] public int SchemaVersion { get; set; } = 1;
    [Id(1)] public string[] Jobs { get; set; } = [];

    /// <summary>In ticks of UTC.</summary>
    [Id(2)] public long[] CreatedAt { get; set; } = [];

    internal static JobCatalogHourRow From(ImmutableSortedSet<CatalogEntry> entries) => new()
    {
        Jobs = [.. entries.Select(entry => entry.Job.Value)],
        CreatedAt = [.. entries.Select(entry => entry.CreatedAt.UtcTicks)],
    };

    internal ImmutableSortedSet<CatalogEntry> ToEntries() => ImmutableSortedSet.CreateRange(
        CatalogOrder.Instance, Jobs.Select((job, index) => new CatalogEntry(new JobId(job), new DateTimeOffset(CreatedAt[index], TimeSpan.Zero))));
}
