using Emu3.Inference.Batching;

namespace Emu3.Tests.Unit.Inference.Batching;

/// <summary>As many draws as are possible, up to a number: what a device would choose that is bound by reading weights.</summary>
internal sealed class LongestWindows(int longest = 64) : IWindowPolicy
{
    public int LongestWindow => longest;

    public void Choose(ReadOnlySpan<WindowCandidate> candidates, int rows, Span<int> windows)
    {
        for (var i = 0; i < windows.Length; i++)
            windows[i] = candidates[i].PossibleDraws;
    }
}
