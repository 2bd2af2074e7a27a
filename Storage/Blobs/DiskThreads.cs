namespace Emu3.Storage.Blobs;

/// <summary>
/// Threads for calls that block until the disk has done its part. On the threads of the pool they would hold up everything else of the process: grains,
/// requests, timers. All files of the process share these; what comes first is begun first.
/// </summary>
internal static class DiskThreads
{
    // A file system commits what is flushed at one time together: many at once cost hardly more than one.
    private const int Count = 16;

    private static readonly Lazy<ThreadQueue<Action>> s_work = new(Start);

    /// <summary>Runs a call that blocks. What it throws, the task throws.</summary>
    public static Task<T> RunAsync<T>(Func<T> call, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        s_work.Value.TryAdd(() =>
        {
            if (cancellationToken.IsCancellationRequested)
            {
                done.SetCanceled(cancellationToken);
                return;
            }

            try
            {
                done.SetResult(call());
            }
            catch (Exception failure)
            {
                done.SetException(failure);
            }
        });
        return done.Task;
    }

    /// <summary>The same for a call without a result.</summary>
    public static Task RunAsync(Action call, CancellationToken cancellationToken) => RunAsync(() =>
    {
        call();
        return true;
    }, cancellationToken);

    private static ThreadQueue<Action> Start()
    {
        var work = new ThreadQueue<Action>();
        for (var number = 0; number < Count; number++)
            new Thread(() => Work(work)) { IsBackground = true, Name = "disk" }.Start();
        return work;
    }

    private static void Work(ThreadQueue<Action> work)
    {
        while (work.TakeOrWait(out var call)) call();
    }
}
