using Emu3.Grains.Interfaces;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Workers;

/// <summary>Keeps a worker's leases alive, and learns from the answers which are no more and which items someone reads.</summary>
internal sealed partial class Heartbeats(WorkerId worker, HeldItems held, WorkerOptions options, TimeProvider time, ILogger logger)
{
    /// <summary>Beats until nothing is held any more and the worker drains, or until cancelled.</summary>
    public async Task RunAsync(Func<bool> isDraining, CancellationToken cancellationToken)
    {
        // Workers that start together, as after a power cut, must not all beat together ever after.
        var phase = options.HeartbeatPeriod * (StableHash.ComputeHash(worker.Value) / (double)uint.MaxValue);
        await Task.Delay(phase, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var timer = new PeriodicTimer(options.HeartbeatPeriod, time);
        while (!isDraining() || held.Count > 0)
        {
            // A shard that does not answer holds up nobody else's heartbeat, only its own next one.
            var beats = held.Shards.Select(shard => BeatAsync(shard.Job, shard.Shard));
            await Task.WhenAll(beats).WaitAsync(options.HeartbeatPeriod, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                await timer.WaitForNextTickAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    // :: Step 6 Progress flows back to the shard and renews the leases; tokens go with TokenPusher and ResumePointWriter.
    public async Task BeatAsync(JobId job, int shard)
    {
        var runs = held.OfShard(job, shard);
        if (runs.Count == 0) return;
        try
        {
            var reply = await runs[0].Home.Heartbeat(worker, [.. runs.Select(run => run.Held)]);
            foreach (var run in runs)
            {
                if (reply.Dropped.Contains(run.Lease.Item)) run.Drop();
                run.IsWatched = run.Lease.IsWatched || reply.Watched.Contains(run.Lease.Item);
            }
        }
        catch (Exception failure)
        {
            LogNoHeartbeat(failure, job.Shard(shard));
        }
    }

    [LoggerMessage(LogLevel.Debug, "A heartbeat to shard {Shard} was not answered.")]
    private partial void LogNoHeartbeat(Exception failure, string shard);
}
