using Emu3.Inference.Vision;

namespace Emu3.Inference.Engine;

/// <summary>
/// Pictures that wait for the vision tokenizer or are in it, in their order, one at a time. Without a worker the engine's thread computes them in pieces of
/// one layer, between its steps; with one they run beside the steps. All members are called on the engine's thread.
/// </summary>
/// <param name="vision">Of the checkpoint.</param>
/// <param name="worker">Computes them; null: the engine's thread does. Is disposed of with this.</param>
internal sealed class PictureQueue(IVisionTokenizer vision, PictureWorker? worker) : IDisposable
{
    private readonly LinkedList<PictureTask> waiting = [];

    /// <summary>Requests that wait for the codes of the pictures that they brought.</summary>
    public int EncodingCount => waiting.Count(task => task is EncodingTask);

    /// <summary>What the engine's thread has to compute; null where there is nothing, or a worker.</summary>
    public PictureTask? Current => worker is null ? waiting.First?.Value : null;

    public void Add(PictureTask task)
    {
        waiting.AddLast(task);
        worker?.Add(task);
    }

    /// <summary>Runs a piece of <see cref="Current"/>.</summary>
    /// <returns>Whether it is done.</returns>
    public bool Advance() => Current!.Advance(vision);

    /// <summary>Takes out a task that is done.</summary>
    /// <returns>False where it was taken out before: its request is over.</returns>
    public bool Take(PictureTask task)
    {
        if (worker is null)
            task.Close();
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

    /// <summary>See <see cref="PictureWorker.BeginPasses"/>.</summary>
    public void BeginPasses() => worker?.BeginPasses();

    /// <summary>See <see cref="PictureWorker.EndPasses"/>.</summary>
    public void EndPasses() => worker?.EndPasses();

    public void Dispose()
    {
        if (worker is null)
            Current?.Close();
        worker?.Dispose();
    }
}
