using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Workers;

/// <summary>
/// Repeats what a blob store refuses until it does it. A full disk or a store that is away for a while is no item's fault: nothing fails for it,
/// and the leases are kept meanwhile.
/// </summary>
internal sealed partial class BlobRetry(WorkerMetrics metrics, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(2);

    /// <summary>Returns what the call returns.</summary>
    /// <param name="run">The item that needs it; its end ends the waiting.</param>
    /// <param name="call">Reads or writes; may be repeated.</param>
    /// <param name="cancellationToken">The worker stops without waiting.</param>
    /// <exception cref="OperationCanceledException">The item's run or the worker was ended.</exception>
    public async Task<T> RetryAsync<T>(ItemRun run, Func<Task<T>> call, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(run.Ending, cancellationToken);
        for (var pause = TimeSpan.FromMilliseconds(50); ; pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause)
        {
            try
            {
                return await call();
            }
            catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
            {
                LogRefused(refusal, run.Name);
                metrics.BlobRefused();
            }

            await Task.Delay(pause, time, ending.Token);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The blob store refuses a file of {Item}; it is tried again.")]
    private partial void LogRefused(Exception refusal, string item);
}
