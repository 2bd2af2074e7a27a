using Emu3.Grains.Interfaces;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Dispatch;

/// <summary>Goes through the job index and has every job look after itself: what a crash left half done is done, and shards offer again.</summary>
internal sealed partial class JobRounds(IGrainFactory grains, ILogger logger)
{
    private const int JobsAtOnce = 16;

    /// <summary>One round. False when a part of the index or a job did not answer, as while a silo's death is not known yet.</summary>
    public async Task<bool> GoAsync()
    {
        var isComplete = true;
        using var places = new SemaphoreSlim(JobsAtOnce);
        var parts = await Task.WhenAll(Enumerable.Range(0, IJobIndex.PartCount).Select(part => ListAsync(part)));
        await Task.WhenAll(parts.SelectMany(jobs => jobs ?? []).Select(async job =>
        {
            await places.WaitAsync();
            try
            {
                await grains.GetGrain<IGenerationJob>(job.Value).Reconcile();
            }
            catch (Exception failure)
            {
                LogNotReconciled(failure, job);
                isComplete = false;
            }
            finally
            {
                places.Release();
            }
        }));
        return isComplete && !parts.Contains(null);
    }

    private async Task<IReadOnlyList<JobId>?> ListAsync(long part)
    {
        try
        {
            return await grains.GetGrain<IJobIndex>(part).List();
        }
        catch (Exception failure)
        {
            LogIndexNotRead(failure, part);
            return null;
        }
    }

    [LoggerMessage(LogLevel.Warning, "Job {Job} could not be reconciled; it is tried again in the next round.")]
    private partial void LogNotReconciled(Exception failure, JobId job);

    [LoggerMessage(LogLevel.Warning, "Part {Part} of the job index could not be read; it is tried again in the next round.")]
    private partial void LogIndexNotRead(Exception failure, long part);
}
