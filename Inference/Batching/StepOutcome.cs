namespace Emu3.Inference.Batching;

/// <summary>What became of the sequences of a step.</summary>
/// <param name="Finished">Sequences that came to their end; their slots are free.</param>
/// <param name="Broken">Sequences whose next token could not be drawn, because their logits are not finite numbers. They still have their slots.</param>
/// <param name="AcceptedDrafts">Tokens that were drawn behind guesses, all of which were right.</param>
public sealed record StepOutcome(IReadOnlyList<Sequence> Finished, IReadOnlyList<Sequence> Broken, int AcceptedDrafts);
