namespace Emu3.Gateway;

/// <summary>What the gateway writes to its log. Never a prompt.</summary>
internal static partial class GatewayLog
{
    [LoggerMessage(LogLevel.Error, "Request {RequestId} {Method} {Path} failed inside.")]
    public static partial void RequestFailed(ILogger logger, string requestId, string method, string path, Exception exception);

    [LoggerMessage(LogLevel.Warning, "The cluster did not answer for {Path}: {Reason}")]
    public static partial void ClusterUnavailable(ILogger logger, string path, string reason);

    [LoggerMessage(LogLevel.Information, "Job {JobId} was accepted with {ItemCount} items.")]
    public static partial void JobAccepted(ILogger logger, string jobId, int itemCount);

    [LoggerMessage(LogLevel.Warning, "Job {JobId} could not be taken back after its submission failed: {Reason}. It is aborted when it is an hour old.")]
    public static partial void JobNotTakenBack(ILogger logger, string jobId, string reason);

    [LoggerMessage(LogLevel.Information, "Items of a job were accepted without an exact count of their positions: {Reason}. The worker counts them before it runs them.")]
    public static partial void NotMeasured(ILogger logger, string reason);

    [LoggerMessage(LogLevel.Warning, "Batch {BatchId} could not be validated now: {Reason}. That is tried again, at the latest when someone asks about it.")]
    public static partial void BatchNotValidated(ILogger logger, string batchId, string reason);

    [LoggerMessage(LogLevel.Error, "The validation of batch {BatchId} failed inside; it is tried again when someone asks about it.")]
    public static partial void ValidationFailed(ILogger logger, string batchId, Exception exception);

    [LoggerMessage(LogLevel.Debug, "Batches that lost their gateway could not be looked for: {Reason}. That is tried again in some seconds.")]
    public static partial void BatchesNotLookedFor(ILogger logger, string reason);

    [LoggerMessage(LogLevel.Information, "A preview of job {JobId} was left out: {Reason}")]
    public static partial void NoPreview(ILogger logger, string jobId, string reason);
}
