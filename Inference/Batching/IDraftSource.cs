namespace Emu3.Inference.Batching;

/// <summary>Guesses what a sequence will draw. A wrong guess costs rows and changes no token.</summary>
public interface IDraftSource
{
    /// <summary>The guess at an index of the generated part that is sampled.</summary>
    /// <param name="sequence">Whose; all its tokens before the index are generated or guessed already (<see cref="Sequence.Known"/>).</param>
    /// <param name="index">The number of generated tokens, or behind guesses.</param>
    /// <returns>Null where there is nothing to guess from.</returns>
    int? At(Sequence sequence, int index);

    /// <summary>Takes in what a step drew behind a wrong guess. It is no token of the sequence, as what stood before it was wrong, but may be a good guess.</summary>
    /// <param name="index">Behind the generated tokens.</param>
    /// <param name="token">What was drawn there.</param>
    void Learn(int index, int token);
}
