using Emu3.Grains.Interfaces;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Jobs;

public sealed partial class GenerationJob
{
    [LoggerMessage(LogLevel.Information, "Job {Job} of {Tenant} accepted: {ItemCount} items for {Model}.")]
    private partial void LogAccepted(JobId job, string tenant, int itemCount, string model);

    [LoggerMessage(LogLevel.Information, "Job {Job} ended as {Status}: {Done} done, {Failed} failed, {Cancelled} cancelled, {Resumed} resumed inside.")]
    private partial void LogEnded(JobId job, JobStatus status, int done, int failed, int cancelled, int resumed);

    [LoggerMessage(LogLevel.Error, "Job {Job} could not be stored; it starts again from what is stored.")]
    private partial void LogNotStored(Exception failure, JobId job);

    [LoggerMessage(LogLevel.Warning, "Job {Job} could not {What}; it is tried again within half a minute.")]
    private partial void LogNotDone(Exception failure, JobId job, string what);

    [LoggerMessage(LogLevel.Information, "Job {Job} is cancelled: nobody asks for it any more.")]
    private partial void LogForsaken(JobId job);

    [LoggerMessage(LogLevel.Warning, "Job {Job} pauses itself: {Failed} items failed, more than it was told to go on with.")]
    private partial void LogPaused(JobId job, int failed);
}
