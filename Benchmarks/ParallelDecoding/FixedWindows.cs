using Emu3.Inference.Batching;

namespace Emu3.Benchmarks.ParallelDecoding;

/// <summary>Windows as long as possible up to a length, whatever they cost: what a device chooses on which more rows cost nothing.</summary>
internal sealed class FixedWindows(int length) : IWindowPolicy
{
    public int LongestWindow => length;

    public void Choose(ReadOnlySpan<WindowCandidate> candidates, int rows, Span<int> windows)
    {
        for (var i = 0; i < windows.Length; i++)
            windows[i] = candidates[i].PossibleDraws;
    }
}
