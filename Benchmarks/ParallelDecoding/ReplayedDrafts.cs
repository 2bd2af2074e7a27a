using Emu3.Inference.Batching;

namespace Emu3.Benchmarks.ParallelDecoding;

/// <summary>
/// Guesses that turn out right as often as recorded ones: the true tokens of an earlier run, made wrong behind a length that is drawn from what was recorded for
/// the window of the step before.
/// </summary>
/// <param name="truth">All tokens of the sequence.</param>
/// <param name="recorded">Lengths by window.</param>
/// <param name="windows">Of the engine that runs the sequence, and nothing else.</param>
/// <param name="random">Draws lengths.</param>
internal sealed class ReplayedDrafts(int[] truth, AcceptedLengths recorded, StepWindows windows, Random random) : IDraftSource
{
    private int right; // guesses that are still to be right

    public int? At(Sequence sequence, int index)
    {
        if (index == sequence.Generated.Count)
            right = recorded.Draw(windows.Steps.Count == 0 ? 1 : windows.Steps[^1].Window, random) - 1;
        return right-- > 0 ? truth[index] : truth[index] ^ 1; // another visual token: there is an even number of them, from an even id on
    }

    public void Learn(int index, int token) { }
}
