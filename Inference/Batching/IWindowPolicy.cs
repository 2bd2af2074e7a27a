namespace Emu3.Inference.Batching;

/// <summary>Decides how many tokens each sequence tries to draw in a step. Any choice gives the same tokens.</summary>
public interface IWindowPolicy
{
    /// <summary>Draws of one sequence in one step at most; 1 makes no guesses.</summary>
    int LongestWindow { get; }

    /// <summary>Chooses the windows of a step.</summary>
    /// <param name="candidates">Sequences that draw.</param>
    /// <param name="rows">Of the candidates, without prompts and guesses.</param>
    /// <param name="windows">Of each candidate, 1 to <see cref="WindowCandidate.PossibleDraws"/>.</param>
    void Choose(ReadOnlySpan<WindowCandidate> candidates, int rows, Span<int> windows);
}

/// <summary>A sequence that will draw in the next step.</summary>
/// <param name="PossibleDraws">One, and one behind each guess that there is.</param>
/// <param name="RowsPerDraw">1, with guidance 2.</param>
/// <param name="Exponent">What <see cref="DraftAcceptance"/> says of it.</param>
public readonly record struct WindowCandidate(int PossibleDraws, int RowsPerDraw, double Exponent);

/// <summary>One token of each sequence in each step.</summary>
public sealed class SingleDraws : IWindowPolicy
{
    public int LongestWindow => 1;

    public void Choose(ReadOnlySpan<WindowCandidate> candidates, int rows, Span<int> windows) => windows.Fill(1);
}
