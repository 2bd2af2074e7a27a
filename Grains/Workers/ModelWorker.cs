using Emu3.Grains.Interfaces;
using Emu3.Inference;
using Emu3.Storage.Blobs;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Placement;

namespace Emu3.Grains.Workers;

/// <summary>See <see cref="IModelWorker"/>: a door, nothing more. Losing the grain loses nothing; engine and pull loop stay.</summary>
[WorkerPlacement, Immovable, KeepAlive, Reentrant]
public sealed partial class ModelWorker(LocalWorkers workers, IBlobStore blobs, ILogger<ModelWorker> logger) : Grain, IModelWorker
{
    public Task Wake()
    {
        Worker.Wake();
        return Task.CompletedTask;
    }

    public async Task<IReadOnlyList<ItemMeasure>> Measure(IReadOnlyList<ItemSpec> items)
    {
        var engine = Worker.Engine;
        var measures = new List<ItemMeasure>(items.Count);
        foreach (var item in items) measures.Add(await MeasureAsync(engine, item));
        return measures;
    }

    public Task<byte[]?> Preview(ItemSpec item, int[] tokens) => PictureEncoding.PreviewAsync(Worker.Engine, item, tokens);

    public Task<WorkerLoad> GetLoad()
    {
        var worker = Worker;
        var load = worker.Engine.Load;
        return Task.FromResult(new WorkerLoad(
            load.SlotCount, load.FreeSlotCount, load.RunningCount, load.WaitingCount, load.StepCount, load.GeneratedTokenCount, worker.ItemsPerSecond));
    }

    private async Task<ItemMeasure> MeasureAsync(IEngine engine, ItemSpec item)
    {
        var pictures = new Dictionary<string, byte[]>();
        foreach (var key in ItemRequests.PicturesOf(item))
        {
            if (await blobs.ReadAsync(key) is not { } file) return new(0, 0, ItemFailures.PictureMissing(key));
            pictures[key] = file;
        }

        try
        {
            // Tokenizing a long prompt is work: not on the grain's turn.
            var measure = await Task.Run(() => engine.Measure(ItemRequests.From(item.Id, item, pictures, [])));
            return new(measure.PromptTokens, measure.Positions, measure.Failure is { } failure ? ItemFailures.From(failure) : null);
        }
        catch (Exception bug)
        {
            // A bug that one item meets must not refuse those that it came with.
            LogNotMeasured(bug, item.Id);
            return new(0, 0, null);
        }
    }

    [LoggerMessage(LogLevel.Error, "Item {Item} could not be measured. Whatever is wrong with it shows when it runs, and fails it alone.")]
    private partial void LogNotMeasured(Exception bug, string item);

    private WorkerLoop Worker => workers.Find(new WorkerId(this.GetPrimaryKeyString())) ?? throw new WorkerSiloGoneException(this.GetPrimaryKeyString());
}
