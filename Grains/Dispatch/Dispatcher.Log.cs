using Emu3.Grains.Interfaces;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Dispatch;

public sealed partial class Dispatcher
{
    [LoggerMessage(LogLevel.Information, "Worker {Worker} is ready: {Model}, {SlotCount} slots.")]
    private partial void LogWorker(WorkerId worker, string model, int slotCount);

    [LoggerMessage(LogLevel.Warning, "Worker {Worker} is forgotten: it was not heard of.")]
    private partial void LogForgotten(WorkerId worker);

    [LoggerMessage(LogLevel.Warning, "Worker {Worker} could not be told to ledger and catalog; that is tried again in the next round.")]
    private partial void LogNotMet(Exception failure, WorkerId worker);

    [LoggerMessage(LogLevel.Warning, "The device ledger could not be read; that is tried again in the next round.")]
    private partial void LogLedgerNotRead(Exception failure);

    [LoggerMessage(LogLevel.Debug, "Worker {Worker} could not be woken.")]
    private partial void LogNotWoken(Exception failure, WorkerId worker);

    [LoggerMessage(LogLevel.Warning, "Shard {Shard} does not say what it has; it is asked again in the next round.")]
    private partial void LogNotAsked(Exception failure, string shard);

    [LoggerMessage(LogLevel.Warning, "The weights of keys could not be read; the last ones known hold.")]
    private partial void LogWeightsNotRead(Exception failure);
}
