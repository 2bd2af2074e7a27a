namespace Emu3.Inference;

/// <summary>What a checkpoint is and what it asks for; read from its files, never assumed.</summary>
public sealed record ModelFacts
{
    /// <summary>The name that requests use: the checkpoint's folder name.</summary>
    public required string Name { get; init; }

    /// <summary>SHA-256, in hex, that changes with any weight or configuration of the checkpoint.</summary>
    public required string WeightsHash { get; init; }

    /// <summary>Can draw pictures.</summary>
    public required bool CanDraw { get; init; }

    /// <summary>Can answer in text.</summary>
    public required bool CanChat { get; init; }

    /// <summary>Pixels to a side of one latent cell.</summary>
    public required int SpatialFactor { get; init; }

    /// <summary>Pixels of a picture when the request does not say.</summary>
    public required int ImageArea { get; init; }

    /// <summary>Positions of a sequence at most: the smaller of the model's and the slot's.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>Visual tokens in the vocabulary.</summary>
    public required int CodebookSize { get; init; }

    /// <summary>What an image request uses where it says nothing.</summary>
    public required ImageDefaults ImageDefaults { get; init; }
}

/// <summary>Defaults of image requests.</summary>
/// <param name="GuidanceScale">Classifier-free guidance.</param>
/// <param name="Sampling">Temperature, top-k, top-p.</param>
/// <param name="NegativePrompt">Text of the second branch.</param>
/// <param name="PromptSuffix">Appended to each prompt.</param>
public sealed record ImageDefaults(double GuidanceScale, SamplingSettings Sampling, string NegativePrompt, string PromptSuffix);

/// <summary>
/// Within one class the same request gives the same tokens, bit for bit. Equality of the text is equality of the class.
/// </summary>
/// <param name="Text">
/// In one line. All processors are one class: the version of our kernels' arithmetic, and the weights' hash. Elsewhere: build, libtorch, device, dtype, threads,
/// row floor and the weights' hash.
/// </param>
/// <param name="RowInvariant">A sequence's tokens do not depend on what runs beside it: on the CPU by construction, elsewhere because the self-test at load held.</param>
public sealed record NumericClass(string Text, bool RowInvariant);

/// <summary>What an engine is doing. A slot holds one sequence; a guided picture takes two.</summary>
/// <param name="SlotCount">Slots in all.</param>
/// <param name="FreeSlotCount">Slots that no sequence holds.</param>
/// <param name="RunningCount">Requests with slots.</param>
/// <param name="WaitingCount">Requests without.</param>
/// <param name="StepCount">Forward passes since the start.</param>
/// <param name="GeneratedTokenCount">Tokens generated since the start.</param>
public readonly record struct EngineLoad(
    int SlotCount, int FreeSlotCount, int RunningCount, int WaitingCount, long StepCount, long GeneratedTokenCount);
