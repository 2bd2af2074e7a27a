namespace Emu3.Inference;

/// <summary>What an engine is doing while it loads.</summary>
/// <param name="What">In a few words, for a person who waits.</param>
/// <param name="Share">Of the weights, what is loaded, from 0 to 1; null in stages without a measure.</param>
/// <param name="Model">What the checkpoint is; known as soon as its headers are read and hashed, long before the weights are loaded.</param>
public readonly record struct LoadStage(string What, double? Share = null, ModelFacts? Model = null)
{
    public static implicit operator LoadStage(string what) => new(what);
}
