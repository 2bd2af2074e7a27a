using Emu3.Inference.Vision;

namespace Emu3.Inference.Engine;

/// <summary>
/// Pictures that wait for the vision tokenizer or are in it, in their order, one at a time. Without a worker the engine's thread computes them in pieces of
/// one layer, between its steps. With one they run beside the steps; where there are no steps to run, the engine's thread computes a picture itself, which saves
/// a lone picture the way to another thread, and hands it over when steps come. All members are called on the engine's thread.
/// </summary>
/// <param name="vision">Of the checkpoint.</param>
/// <param name="worker">Computes them beside steps; null: the engine's thread computes all. Is disposed of with this.</param>
/// <param name="alwaysBeside">Nothing is computed by the engine's thread where there is a worker.</param>
internal sealed class PictureQueue(IVisionTokenizer vision, PictureWorker? worker, bool alwaysBeside = false) : IDisposable
{
    private readonly LinkedList<PictureTask> waiting = []; // all, those of the worker as well
    private readonly Queue<PictureTask> mine = [];

    /// <summary>Requests that wait for the codes of the pictures that they brought.</summary>
    public int EncodingCount => waiting.Count(task => task is EncodingTask);

    /// <summary>What the engine's thread has to compute; null where there is nothing.</summary>
    public PictureTask? Current => mine.TryPeek(out var task) ? task : null;

    /// <summary>A task joins the queue.</summary>
    /// <param name="task">Not begun.</param>
    /// <param name="hasPasses">Whether the engine has passes to run.</param>
    public void Add(PictureTask task, bool hasPasses)
    {
        waiting.AddLast(task);
        if (worker is null || mine.Count > 0 || !hasPasses && !alwaysBeside && worker.TryLend())
            mine.Enqueue(task);
        else
            worker.Add(task);
    }

    /// <summary>Runs a piece of <see cref="Current"/>.</summary>
    /// <returns>Whether it is done.</returns>
    public bool Advance() => Current!.Advance(vision);

    /// <summary>Takes out a task that is done.</summary>
    /// <returns>False where it was taken out before: its request is over.</returns>
    public bool Take(PictureTask task)
    {
        if (mine.Contains(task))
        {
            task.Close();
            var others = mine.Where(other => other != task).ToList();
            mine.Clear();
            others.ForEach(mine.Enqueue);
        }
        return waiting.Remove(task);
    }

    /// <summary>Takes out the task of a request, if there is one.</summary>
    public void Remove(RunningRequest running)
    {
        if (waiting.FirstOrDefault(task => task.Running == running) is not { } task)
            return;
        task.GiveUp();
        Take(task);
    }

    /// <summary>The engine has passes to run: pictures of its thread go on beside them.</summary>
    public void BeginPasses()
    {
        if (worker is null)
            return;
        while (mine.TryDequeue(out var task))
            worker.Add(task);
        worker.BeginPasses();
    }

    /// <summary>The engine has no passes until the next call of <see cref="BeginPasses"/>.</summary>
    public void EndPasses() => worker?.EndPasses();

    public void Dispose()
    {
        worker?.Dispose();
        foreach (var task in mine)
            task.Close();
    }
}
