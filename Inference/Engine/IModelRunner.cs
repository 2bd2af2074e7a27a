using Emu3.Inference.Batching;

namespace Emu3.Inference.Engine;

/// <summary>
/// What the engine asks of a decoder: rows of a planned step in, drawn tokens out. There are two: our own kernels on the processor, and
/// TorchSharp on other devices. All members are called on the engine's thread.
/// </summary>
public interface IModelRunner
{
    /// <summary>Rows of a forward pass at most; a step with more runs in several.</summary>
    int RowsPerPass { get; }

    /// <summary>Forgets what the slots of a sequence held. Called when it has got them, before its first rows.</summary>
    void Clear(Sequence sequence);

    /// <summary>Feeds all rows of a step and draws its tokens, each a pure function of its logits, its index and the settings of its sequence.</summary>
    /// <param name="plan">The step.</param>
    /// <param name="observe">For tests: gets the logits of each draw, in the order of the plan, before the call returns.</param>
    /// <returns>A token for each of <see cref="BatchPlan.Draws"/>; null where the logits hold NaN or +∞.</returns>
    int?[] Run(BatchPlan plan, LogitsObserver? observe = null);
}

/// <summary>Gets the logits that a token is drawn from: a number for each allowed token, before guidance.</summary>
/// <param name="draw">Which.</param>
/// <param name="conditional">Of the prompt's branch.</param>
/// <param name="unconditional">Of the negative prompt's branch; empty without guidance.</param>
public delegate void LogitsObserver(PlannedDraw draw, ReadOnlySpan<float> conditional, ReadOnlySpan<float> unconditional);
