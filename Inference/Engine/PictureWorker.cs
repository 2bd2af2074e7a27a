using System.Collections.Concurrent;
using Emu3.Inference.Vision;

namespace Emu3.Inference.Engine;

/// <summary>
/// A thread beside the engine's that computes pictures, one after the other in their order, with threads that the passes don't use. While no pass runs, the
/// threads of the passes may do it, where they are more: a picture that is alone takes no longer than it would on the engine's thread.
/// </summary>
internal sealed class PictureWorker : IDisposable
{
    private readonly BlockingCollection<PictureTask> queue = [];
    private readonly SemaphoreSlim passThreads = new(1); // taken by the engine while it has passes to run, and by a piece that uses their threads
    private readonly IVisionTokenizer vision;
    private readonly IPictureThreads threads;
    private readonly Action<PictureTask> done;
    private readonly Thread thread;
    private volatile bool isStopped;
    private int taskCount; // added and not closed
    private bool hasPasses;

    /// <param name="vision">Used by this thread alone from now on; must outlive it.</param>
    /// <param name="threads">That compute.</param>
    /// <param name="done">Gets each task that came to its end or failed, on the worker's thread. One that was given up may come or not.</param>
    public PictureWorker(IVisionTokenizer vision, IPictureThreads threads, Action<PictureTask> done)
    {
        (this.vision, this.threads, this.done) = (vision, threads, done);
        thread = new Thread(Work, maxStackSize: 16 << 20) { IsBackground = true, Name = "pictures" };
        thread.Start();
    }

    /// <summary>A task joins the queue; it may be half done.</summary>
    public void Add(PictureTask task)
    {
        Interlocked.Increment(ref taskCount);
        queue.Add(task);
    }

    /// <summary>Whether the caller may use the vision tokenizer until its next call of <see cref="Add"/>: the worker has nothing to do. It then computes with the threads of the passes.</summary>
    public bool TryLend()
    {
        if (Volatile.Read(ref taskCount) > 0)
            return false;
        threads.Use(ofPasses: true);
        return true;
    }

    /// <summary>The engine has passes to run. Waits for the end of a piece that uses their threads.</summary>
    public void BeginPasses()
    {
        if (hasPasses)
            return;
        passThreads.Wait();
        hasPasses = true;
    }

    /// <summary>The engine has none: until the next call of <see cref="BeginPasses"/> it runs no pass.</summary>
    public void EndPasses()
    {
        if (!hasPasses)
            return;
        hasPasses = false;
        passThreads.Release();
    }

    /// <summary>Stops behind the piece that runs. Tasks that are not done are closed and told to nobody.</summary>
    public void Dispose()
    {
        isStopped = true;
        queue.CompleteAdding();
        EndPasses();
        thread.Join();
        queue.Dispose();
        passThreads.Dispose();
    }

    private void Work()
    {
        foreach (var task in queue.GetConsumingEnumerable())
        {
            var isDone = false;
            while (!isDone && !isStopped && !task.IsGivenUp)
                isDone = Advance(task);
            task.Close();
            Interlocked.Decrement(ref taskCount); // behind it the worker touches neither the task nor the tokenizer
            if (isDone)
                done(task);
        }
    }

    private bool Advance(PictureTask task)
    {
        var mayUseOthers = threads.PassesHaveMore && passThreads.Wait(0);
        try
        {
            threads.Use(ofPasses: mayUseOthers);
            return task.Advance(vision);
        }
        finally
        {
            if (mayUseOthers)
                passThreads.Release();
        }
    }
}

/// <summary>The threads that compute pictures beside passes.</summary>
internal interface IPictureThreads
{
    /// <summary>Whether the passes have more threads.</summary>
    bool PassesHaveMore { get; }

    /// <summary>Chooses for the pieces that follow.</summary>
    /// <param name="ofPasses">Those of the passes, none of which runs; else its own.</param>
    void Use(bool ofPasses);
}
