namespace Emu3.Tests.Unit.Grains.Jobs;

/// <summary>
/// What follows an awaited task happens on the test's thread, when the test says so: as grains have it, and the same in every run of a seed.
/// </summary>
internal sealed class OneThread : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _posted = new();

    /// <summary>Runs the work so.</summary>
    public static void Run(Action<OneThread> work)
    {
        var before = Current;
        var thread = new OneThread();
        SetSynchronizationContext(thread);
        try
        {
            work(thread);
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (_posted) _posted.Enqueue((d, state));
    }

    /// <summary>Whatever can go on goes on, until nothing can.</summary>
    public void GoOn()
    {
        while (true)
        {
            (SendOrPostCallback Callback, object? State) next;
            lock (_posted)
            {
                if (!_posted.TryDequeue(out next)) return;
            }

            next.Callback(next.State);
        }
    }
}
