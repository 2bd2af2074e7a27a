using System.Collections.Concurrent;
using Emu3.Grains.Interfaces;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Jobs;

/// <summary>Tells the shards of this silo when another silo has died, so that its leases end at once and not at their deadline.</summary>
public sealed partial class DeadSiloWatch(IClusterMembershipService membership, JobMetrics metrics, ILogger<DeadSiloWatch> logger) : BackgroundService
{
    private readonly ConcurrentDictionary<string, IJobShard> _shards = new();

    /// <summary>A shard of this silo is active.</summary>
    public void Add(string key, IJobShard shard) => _shards[key] = shard;

    /// <summary>It is no more.</summary>
    public void Remove(string key) => _shards.TryRemove(key, out _);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var known = new HashSet<SiloAddress>();
        await foreach (var snapshot in membership.MembershipUpdates.WithCancellation(stoppingToken))
        {
            foreach (var member in snapshot.Members.Values)
                if (member.Status == SiloStatus.Dead && known.Add(member.SiloAddress)) await TellAsync(member.SiloAddress);
        }
    }

    /// <summary>All at once: the last shard must not wait for the writes of the others.</summary>
    private Task TellAsync(SiloAddress silo)
    {
        if (_shards.IsEmpty) return Task.CompletedTask; // a silo that starts reads of all that ever died
        LogSiloGone(silo, _shards.Count);
        metrics.SiloGone();
        return Task.WhenAll(_shards.Select(shard => TellAsync(shard.Key, shard.Value, silo)));
    }

    private async Task TellAsync(string key, IJobShard shard, SiloAddress silo)
    {
        try
        {
            await shard.SiloGone(silo.ToParsableString());
        }
        catch (Exception failure)
        {
            // The shard starts again and then looks for itself.
            LogNotTold(failure, key, silo);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Silo {Silo} is gone; telling {ShardCount} shards.")]
    private partial void LogSiloGone(SiloAddress silo, int shardCount);

    [LoggerMessage(LogLevel.Warning, "Shard {Shard} could not be told that silo {Silo} is gone.")]
    private partial void LogNotTold(Exception failure, string shard, SiloAddress silo);
}
