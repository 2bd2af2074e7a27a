namespace Emu3.Inference.Tokens;

/// <summary>Ids of the control tokens and of the visual tokens, read from the checkpoint. Visual tokens are contiguous, in codebook order.</summary>
public sealed record SpecialTokens
{
    public required int BeginOfSequence { get; init; }
    public required int EndOfSequence { get; init; }
    public required int Padding { get; init; }
    public required int BeginOfImage { get; init; }
    public required int EndOfImage { get; init; }

    /// <summary>The next token is the first visual one.</summary>
    public required int Image { get; init; }
    public required int EndOfLine { get; init; }
    public required int EndOfFrame { get; init; }
    public required int FirstVisual { get; init; }
    public required int VisualCount { get; init; }

    /// <summary>Whether an id stands for a codebook entry.</summary>
    public bool IsVisual(int id) => (uint)(id - FirstVisual) < (uint)VisualCount;
}
