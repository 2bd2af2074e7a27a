namespace Emu3.Grains.Interfaces;

/// <summary>
/// Names a worker and is its grain's key: <c>{silo address}/{device}</c>, with <c>+{model}</c> behind it where a silo runs several models on one device.
/// The address holds the silo's generation, so a restarted silo is another worker.
/// </summary>
[GenerateSerializer, Immutable, Alias("emu3.WorkerId")]
public readonly record struct WorkerId([property: Id(0)] string Value)
{
    /// <summary>The silo's part, as <c>SiloAddress.ToParsableString</c> writes it.</summary>
    public string Silo => Value[..Value.LastIndexOf('/')];

    /// <summary>The device's part, as <c>cuda:0</c>: its number on its silo, and not what it is known by (<see cref="WorkerInfo.Device"/>).</summary>
    public string Device => Value[(Value.LastIndexOf('/') + 1)..].Split('+', 2)[0];

    public override string ToString() => Value;
}

/// <summary>What a model is and asks for, as requests are checked and resolved against it.</summary>
[GenerateSerializer, Immutable, Alias("emu3.ModelCard")]
public sealed record ModelInfo
{
    [Id(0)] public required string Name { get; init; }
    [Id(1)] public required string WeightsHash { get; init; }
    [Id(2)] public required bool CanDraw { get; init; }
    [Id(3)] public required bool CanChat { get; init; }

    /// <summary>Pixels to a side of one latent cell.</summary>
    [Id(4)] public required int SpatialFactor { get; init; }

    /// <summary>Pixels of a picture when the request does not say.</summary>
    [Id(5)] public required int ImageArea { get; init; }
    [Id(6)] public required int MaxPositions { get; init; }
    [Id(7)] public required int CodebookSize { get; init; }
    [Id(8)] public required double GuidanceScale { get; init; }
    [Id(9)] public required SamplingSpec ImageSampling { get; init; }
    [Id(10)] public required string NegativePrompt { get; init; }
    [Id(11)] public required string PromptSuffix { get; init; }
}

/// <summary>A worker as it presents itself.</summary>
[GenerateSerializer, Immutable, Alias("emu3.WorkerCard")]
public sealed record WorkerInfo
{
    [Id(0)] public required WorkerId Id { get; init; }
    [Id(1)] public required ModelInfo Model { get; init; }
    [Id(2)] public required int SlotCount { get; init; }
    [Id(3)] public required string NumericClass { get; init; }
    [Id(4)] public required bool IsRowInvariant { get; init; }

    /// <summary>
    /// The same after every restart: <c>{host}/{device}</c>, as <c>node-7/GPU-5fd4f087-86f3-7a43-b711-4771313afc50</c> or <c>node-7/cpu</c>. Faults of hardware
    /// are counted by it.
    /// </summary>
    [Id(5)] public required string Device { get; init; }

    /// <summary>Why the dispatcher gives it nothing; null when it does. Workers leave it out.</summary>
    [Id(6)] public string? Quarantine { get; init; }
}

/// <summary>A worker whose model is not there yet.</summary>
/// <param name="Id">The worker that it will be.</param>
/// <param name="Device">See <see cref="WorkerInfo.Device"/>.</param>
/// <param name="Model">As it was told to the silo.</param>
/// <param name="Progress">What is being done, for a person who waits.</param>
/// <param name="Info">What the model is; null until the checkpoint's headers are read.</param>
/// <param name="Remaining">Time that the rest is expected to take; null where that is not known.</param>
[GenerateSerializer, Immutable, Alias("emu3.LoadingWorker")]
public sealed record LoadingWorker(
    [property: Id(0)] WorkerId Id, [property: Id(1)] string Device, [property: Id(2)] string Model, [property: Id(3)] string Progress,
    [property: Id(4)] ModelInfo? Info = null, [property: Id(5)] TimeSpan? Remaining = null);

/// <summary>The silo that a worker's key names is not in the cluster any more.</summary>
[GenerateSerializer, Alias("emu3.WorkerSiloGone")]
public sealed class WorkerSiloGoneException(string worker) : Exception($"The silo of worker {worker} is gone.")
{
    [Id(0)] public string Worker { get; } = worker;
}
