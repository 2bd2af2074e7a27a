using Emu3.Inference.Batching;

namespace Emu3.Tests.Unit.Inference.Batching;

/// <summary>Any window that is possible, anew in each step: no token may depend on it.</summary>
internal sealed class RandomWindows(Random random, int longest = 64) : IWindowPolicy
{
    public int LongestWindow => longest;

    public void Choose(ReadOnlySpan<WindowCandidate> candidates, int rows, Span<int> windows)
    {
        for (var i = 0; i < windows.Length; i++)
            windows[i] = random.Next(4) == 0 ? candidates[i].PossibleDraws : random.Next(1, candidates[i].PossibleDraws + 1);
    }
}
