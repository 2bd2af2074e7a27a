namespace Emu3.Inference.Batching;

/// <summary>
/// Guesses of an answer: its last tokens are looked for earlier in the prompt and the answer, and what followed there is guessed to follow again. Of several
/// places the one that agrees longest is taken, of those the latest.
/// </summary>
public sealed class TextDrafts : IDraftSource
{
    private const int ShortestMatch = 2; // a single token is found nearly everywhere, and says little
    private const int LongestMatch = 16;

    private int followed; // place in prompt and answer of what followed the match

    public int? At(Sequence sequence, int index)
    {
        if (index == sequence.Generated.Count)
            followed = Find(sequence);
        return followed < 0 ? null : TokenAt(sequence, followed + index - sequence.Generated.Count);
    }

    public void Learn(int index, int token) { }

    private static int TokenAt(Sequence sequence, int place)
    {
        var prompt = sequence.Branches[0].Prompt;
        return place < prompt.Count ? prompt[place] : sequence.Known(place - prompt.Count);
    }

    /// <summary>Where the tokens behind the best match begin; −1 without a match.</summary>
    private static int Find(Sequence sequence)
    {
        var count = sequence.Branches[0].Prompt.Count + sequence.Generated.Count;
        var (best, longest) = (-1, ShortestMatch - 1);
        for (var end = count - 1; end >= ShortestMatch && longest < LongestMatch; end--)
        {
            var length = 0;
            while (length < LongestMatch && length < end && TokenAt(sequence, end - 1 - length) == TokenAt(sequence, count - 1 - length))
                length++;
            if (length > longest)
                (best, longest) = (end, length);
        }
        return best;
    }
}
