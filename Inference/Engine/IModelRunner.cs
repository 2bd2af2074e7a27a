using Emu3.Inference.Batching;

namespace Emu3.Inference.Engine;

/// <summary>
/// What the engine asks of a decoder: rows of a planned step in, logits of the rows that draw out. There are two: our own kernels on the processor, and
/// TorchSharp on other devices. All members are called on the engine's thread.
/// </summary>
public interface IModelRunner
{
    /// <summary>Forgets what the slots of a sequence held. Called when it has got them, before its first rows.</summary>
    void Clear(Sequence sequence);

    /// <summary>Feeds all rows of a step. The result is valid until the next call.</summary>
    StepLogits Run(BatchPlan plan);
}
