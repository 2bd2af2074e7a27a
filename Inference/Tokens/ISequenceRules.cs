namespace Emu3.Inference.Tokens;

/// <summary>What may follow in the generated part of a sequence, and when it ends.</summary>
public interface ISequenceRules
{
    /// <summary>Sampled tokens are visual ones only, so that only those rows of the head are computed.</summary>
    bool IsVisual { get; }

    /// <summary>Generated tokens at most, forced ones included.</summary>
    int MaxLength { get; }

    /// <summary>The only token allowed at <paramref name="index"/> of the generated part; null when it is sampled.</summary>
    int? ForcedAt(int index);

    /// <summary>Index of the token that the one at <paramref name="index"/> is most likely to resemble, earlier than it; null where there is none.</summary>
    int? NeighbourOf(int index);

    /// <summary>Whether nothing can follow; the last token is at <paramref name="count"/> − 1.</summary>
    /// <param name="count">Generated tokens.</param>
    /// <param name="last">The last of them.</param>
    bool IsEnd(int count, int last);
}

/// <summary>Text: any token may follow, until the end token or the limit.</summary>
public sealed record TextRules(int EndOfSequence, int MaxLength) : ISequenceRules
{
    public bool IsVisual => false;
    public int? ForcedAt(int index) => null;
    public int? NeighbourOf(int index) => null;
    public bool IsEnd(int count, int last) => last == EndOfSequence || count >= MaxLength;
}
