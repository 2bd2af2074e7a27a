using Emu3.Grains.Interfaces;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Jobs;

public sealed partial class JobShard
{
    [LoggerMessage(LogLevel.Error, "Shard {Shard} could not be stored; it starts again from what is stored.")]
    private partial void LogNotStored(Exception failure, string shard);

    [LoggerMessage(LogLevel.Warning, "Shard {Shard}: {ItemCount} leases ended without word from their workers.")]
    private partial void LogDeadline(string shard, int itemCount);

    [LoggerMessage(LogLevel.Warning, "Shard {Shard}: silo {Silo} is gone, and with it {ItemCount} leases.")]
    private partial void LogSiloGone(string shard, string silo, int itemCount);

    [LoggerMessage(LogLevel.Warning, "The ledger of devices could not be told that worker {Worker} died with item {Item} of {Job}.")]
    private partial void LogNotBlamed(Exception failure, WorkerId worker, JobId job, int item);
}
