using Emu3.Grains.Interfaces;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Catalogs;

public sealed partial class JobCatalog : IRemindable
{
    private const string ExpireReminder = "expire";
    private const int JobsAtOnce = 16;
    private const int JobsInPage = 256;
    private static readonly TimeSpan s_expirePeriod = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_longestSweep = TimeSpan.FromMinutes(30);

    private bool _isArmed;
    private bool _isExpiring;

    /// <summary>Looks at jobs that are old enough, in the background: a reminder's call must not last.</summary>
    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        if (_options.KeepEnded is { } keep)
        {
            if (!_isExpiring) _ = ExpireAsync(keep); // logs what fails in it
        }
        else if (await this.GetReminder(ExpireReminder) is { } reminder)
        {
            await this.UnregisterReminder(reminder);
        }
    }

    private async Task ArmAsync()
    {
        if (_isArmed || _options.KeepEnded is null) return;
        await this.RegisterOrUpdateReminder(ExpireReminder, TimeSpan.FromMinutes(1), s_expirePeriod);
        _isArmed = true;
    }

    /// <summary>A job that was made more recently than that can't have ended longer ago.</summary>
    private async Task ExpireAsync(TimeSpan keep)
    {
        _isExpiring = true;
        DelayDeactivation(s_longestSweep);
        try
        {
            var youngest = CatalogOrder.HourOf(_time.GetUtcNow() - keep);
            foreach (var hour in _hours.Durable.Where(hour => hour <= youngest).ToList())
            {
                CatalogEntry? last = null;
                while (await Hour(hour).List(last, JobsInPage) is { Count: > 0 } entries)
                {
                    foreach (var few in entries.Chunk(JobsAtOnce)) await Task.WhenAll(few.Select(entry => ExpireAsync(entry, keep)));
                    last = entries[^1];
                }
            }
        }
        catch (Exception failure)
        {
            LogNotSwept(failure, this.GetPrimaryKeyString());
        }
        finally
        {
            _isExpiring = false;
        }
    }

    private async Task ExpireAsync(CatalogEntry entry, TimeSpan keep)
    {
        try
        {
            if (await GrainFactory.GetGrain<IGenerationJob>(entry.Job.Value).Expire(keep)) await Remove(entry.Job, entry.CreatedAt);
        }
        catch (Exception failure)
        {
            LogNotExpired(failure, entry.Job);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Old jobs of {Tenant} could not be looked through; that is tried again in an hour.")]
    private partial void LogNotSwept(Exception failure, string tenant);

    [LoggerMessage(LogLevel.Warning, "Job {Job} could not be removed; that is tried again in an hour.")]
    private partial void LogNotExpired(Exception failure, JobId job);
}
