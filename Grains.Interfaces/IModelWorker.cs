namespace Emu3.Grains.Interfaces;

/// <summary>
/// The door to one engine: pinned to the silo that its key names (<see cref="WorkerId"/>). The engine, its thread and the pull loop
/// live in a service of that silo. A key whose silo is gone throws <see cref="WorkerSiloGoneException"/>.
/// </summary>
[Alias("emu3.IModelWorker")]
public interface IModelWorker : IGrainWithStringKey
{
    /// <summary>There is work: an idle worker asks the dispatcher now.</summary>
    [Alias("Wake")] Task Wake();

    /// <summary>Counts what each item needs, with the checkpoint's own tokenizer, and checks it. At most 512 KiB a call.</summary>
    [Alias("Measure")] Task<IReadOnlyList<ItemMeasure>> Measure(IReadOnlyList<ItemSpec> items);

    /// <summary>
    /// How a picture looks that is being drawn: a file in the item's format, without a recipe. Cells that are not drawn yet repeat those above. Null when
    /// this engine can't say.
    /// </summary>
    /// <param name="item">An image item.</param>
    /// <param name="tokens">Generated tokens so far, from the first on.</param>
    [Alias("Preview")] Task<byte[]?> Preview(ItemSpec item, int[] tokens);

    /// <summary>What the engine is doing.</summary>
    [Alias("GetLoad")] Task<WorkerLoad> GetLoad();
}

/// <summary>What an item will take, or why it can't run.</summary>
[GenerateSerializer, Immutable, Alias("emu3.ItemMeasure")]
public readonly record struct ItemMeasure([property: Id(0)] int PromptTokens, [property: Id(1)] int Positions, [property: Id(2)] ItemFailure? Failure);

/// <summary>A snapshot of a worker's engine.</summary>
[GenerateSerializer, Immutable, Alias("emu3.WorkerLoad")]
public readonly record struct WorkerLoad(
    [property: Id(0)] int SlotCount, [property: Id(1)] int FreeSlotCount, [property: Id(2)] int RunningCount, [property: Id(3)] int WaitingCount,
    [property: Id(4)] long StepCount, [property: Id(5)] long GeneratedTokenCount, [property: Id(6)] double? ItemsPerSecond);
