using Emu3.Grains.Interfaces;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Dispatch;

public sealed partial class Dispatcher
{
    [LoggerMessage(LogLevel.Information, "Worker {Worker} is ready: {Model}, {SlotCount} slots.")]
    private partial void LogWorker(WorkerId worker, string model, int slotCount);

    [LoggerMessage(LogLevel.Warning, "Worker {Worker} is forgotten: it was not heard of.")]
    private partial void LogForgotten(WorkerId worker);

    [LoggerMessage(LogLevel.Warning, "Job {Job} could not be reconciled; it is tried again in the next round.")]
    private partial void LogNotReconciled(Exception failure, JobId job);

    [LoggerMessage(LogLevel.Warning, "Part {Part} of the job index could not be read; it is tried again in the next round.")]
    private partial void LogIndexNotRead(Exception failure, long part);

    [LoggerMessage(LogLevel.Warning, "Worker {Worker} could not be told to ledger and catalog; that is tried again in the next round.")]
    private partial void LogNotMet(Exception failure, WorkerId worker);

    [LoggerMessage(LogLevel.Warning, "The device ledger could not be read; that is tried again in the next round.")]
    private partial void LogLedgerNotRead(Exception failure);

    [LoggerMessage(LogLevel.Debug, "Worker {Worker} could not be woken.")]
    private partial void LogNotWoken(Exception failure, WorkerId worker);
}
