using Emu3.Grains.Interfaces;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Workers;

public sealed partial class WorkerLoop
{
    [LoggerMessage(LogLevel.Warning, "Worker {Worker} could not ask for work; it asks again.")]
    private partial void LogNotAsked(Exception failure, WorkerId worker);

    [LoggerMessage(LogLevel.Information, "Item {Item} gives way, with {TokenCount} tokens, to one that somebody waits for.")]
    private partial void LogYielded(string item, int tokenCount);

    [LoggerMessage(LogLevel.Warning, "The device ledger could not be told that {Device} works; the next item tells it.")]
    private partial void LogNotProved(Exception failure, string device);

    [LoggerMessage(LogLevel.Information, "Item {Item} was taken from this worker.")]
    private partial void LogDropped(string item);

    [LoggerMessage(LogLevel.Error, "Item {Item} could not be run here; its lease ends by itself.")]
    private partial void LogBroken(Exception failure, string item);

    [LoggerMessage(LogLevel.Information, "Worker {Worker} has given back {ItemCount} items.")]
    private partial void LogDrained(WorkerId worker, int itemCount);

    [LoggerMessage(LogLevel.Critical, "The engine of worker {Worker} has ended.")]
    private partial void LogEngineEnded(Exception failure, WorkerId worker);

    [LoggerMessage(LogLevel.Warning, "Items of shard {Shard} could not be given back; their leases end by themselves.")]
    private partial void LogNotReleased(Exception failure, string shard);
}
