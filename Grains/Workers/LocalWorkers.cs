using System.Collections.Concurrent;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Workers;

/// <summary>The workers of this silo whose engines are loaded; what their grains are doors to.</summary>
public sealed class LocalWorkers
{
    private readonly ConcurrentDictionary<WorkerId, WorkerLoop> _workers = new();

    public void Add(WorkerLoop worker) => _workers[worker.Id] = worker;

    public void Remove(WorkerId worker) => _workers.TryRemove(worker, out _);

    public WorkerLoop? Find(WorkerId worker) => _workers.GetValueOrDefault(worker);
}
