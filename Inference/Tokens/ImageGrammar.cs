namespace Emu3.Inference.Tokens;

/// <summary>
/// The generated part of a picture: rows of visual tokens, each closed by the end of line, then end of frame, end of image, end of
/// sequence. Its length is known before the first token. Rules as in the reference's logits processor (Emu3PrefixConstrainedLogitsHelper).
/// </summary>
/// <param name="latentHeight">Rows.</param>
/// <param name="latentWidth">Visual tokens in a row.</param>
/// <param name="tokens">Ids of the checkpoint.</param>
public sealed class ImageGrammar(int latentHeight, int latentWidth, SpecialTokens tokens) : ISequenceRules
{
    private readonly int rowLength = latentWidth + 1;

    public bool IsVisual => true;
    public int MaxLength => rowLength * latentHeight + 3;

    public int? ForcedAt(int index) => (index - rowLength * latentHeight) switch
    {
        0 => tokens.EndOfFrame,
        1 => tokens.EndOfImage,
        2 => tokens.EndOfSequence,
        > 2 => throw new ArgumentOutOfRangeException(nameof(index), index, $"A picture of {latentHeight}x{latentWidth} has {MaxLength} tokens."),
        _ => index % rowLength == latentWidth ? tokens.EndOfLine : null,
    };

    /// <summary>The token above; in the first row the one on the left.</summary>
    public int? NeighbourOf(int index) => index >= rowLength ? index - rowLength : index > 0 ? index - 1 : null;

    public bool IsEnd(int count, int last) => count == MaxLength;

    /// <summary>What is wrong with tokens that claim to be the beginning of this picture; null when nothing is.</summary>
    public string? Check(IReadOnlyList<int> generated)
    {
        if (generated.Count > MaxLength)
            return $"A picture of {latentHeight}x{latentWidth} has {MaxLength} tokens; {generated.Count} were given.";
        for (var i = 0; i < generated.Count; i++)
        {
            if (ForcedAt(i) is { } forced ? generated[i] == forced : tokens.IsVisual(generated[i]))
                continue;
            var allowed = ForcedAt(i) is { } only ? $"{only}" : $"{tokens.FirstVisual} to {tokens.FirstVisual + tokens.VisualCount - 1}";
            return $"Token {i} of the picture is {generated[i]}; allowed there: {allowed}.";
        }
        return null;
    }

    /// <summary>Codebook indices, row by row. A cell that is not drawn yet repeats the one above it; code 0 in the first row.</summary>
    public int[] Codes(IReadOnlyList<int> generated)
    {
        var codes = new int[latentHeight * latentWidth];
        for (var i = 0; i < codes.Length; i++)
        {
            var index = i / latentWidth * rowLength + i % latentWidth;
            codes[i] = index < generated.Count ? generated[index] - tokens.FirstVisual : i >= latentWidth ? codes[i - latentWidth] : 0;
        }
        return codes;
    }
}
