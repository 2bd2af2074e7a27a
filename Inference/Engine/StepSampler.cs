using Emu3.Inference.Batching;
using Emu3.Inference.Sampling;
using Emu3.Inference.Tokens;

namespace Emu3.Inference.Engine;

/// <summary>Draws the tokens of a step from logits that lie in the host's memory.</summary>
/// <param name="tokens">Where the visual tokens begin.</param>
/// <param name="vocabularySize">Logits of a row at most.</param>
/// <param name="threads">That may draw at the same time: each has buffers of its own.</param>
public sealed class StepSampler(SpecialTokens tokens, int vocabularySize, int threads = 1)
{
    private readonly Sampler?[] samplers = new Sampler?[threads];

    /// <summary>One token by the sequence's own settings and noise; null when the logits are not finite numbers.</summary>
    /// <param name="logits">Of the step.</param>
    /// <param name="draw">Which.</param>
    /// <param name="thread">That calls, from 0.</param>
    public int? Draw(StepLogits logits, PlannedDraw draw, int thread = 0)
    {
        var (sampler, sequence) = (samplers[thread] ??= new Sampler(vocabularySize), draw.Sequence);
        var row = logits.Of(draw.ConditionalRow);
        if (draw.UnconditionalRow >= 0)
            row = sampler.Guide(row, logits.Of(draw.UnconditionalRow), sequence.Settings.GuidanceScale);
        var (sampling, seed, sampleIndex, _) = sequence.Settings;
        return sampler.Draw(row, sequence.Rules.IsVisual ? tokens.FirstVisual : 0, sampling, seed, draw.Index, sampleIndex);
    }
}
