using System.Runtime.InteropServices;

namespace Emu3.Inference.Batching;

/// <summary>
/// Guesses of an answer: its last tokens are looked for earlier in the prompt and the answer, and what followed there is guessed to follow again. Four tokens
/// that agree are better than three, three than two; of equal places the latest is taken.
/// </summary>
public sealed class TextDrafts : IDraftSource
{
    private const int LongestMatch = 4, ShortestMatch = 2; // a single token is found nearly everywhere, and says little

    private readonly List<int> text = []; // prompt and answer
    private int followed; // place of what followed the match; −1 without

    public int? At(Sequence sequence, int index)
    {
        var promptLength = sequence.Branches[0].Prompt.Count;
        if (index == sequence.Generated.Count)
        {
            if (text.Count == 0)
                text.AddRange(sequence.Branches[0].Prompt);
            text.AddRange(sequence.Generated.Skip(text.Count - promptLength));
            followed = Find(CollectionsMarshal.AsSpan(text));
        }
        var place = followed + index - sequence.Generated.Count;
        return followed < 0 ? null : place < promptLength ? text[place] : sequence.Known(place - promptLength);
    }

    public void Learn(int index, int token) { }

    private static int Find(ReadOnlySpan<int> text)
    {
        for (var length = Math.Min(LongestMatch, text.Length - 1); length >= ShortestMatch; length--)
            if (text[..^1].LastIndexOf(text[^length..]) is >= 0 and var at)
                return at + length;
        return -1;
    }
}
