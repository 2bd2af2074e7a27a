namespace Emu3.Inference.Tokens;

/// <summary>
/// The text of an answer as its tokens come, up to the first of its stops. All that it says follows from the tokens alone: whoever pushes the same ones, in one run
/// or in several, gets the same pieces and the same end. The space that the chat template has between "ASSISTANT:" and an answer is generated with its first word;
/// it belongs to the template, and not to the answer.
/// </summary>
/// <param name="tokenizer">Of the checkpoint.</param>
/// <param name="stops">See <see cref="ChatRequest.Stop"/>.</param>
public sealed class AnswerText(TextTokenizer tokenizer, IReadOnlyList<string> stops)
{
    private readonly StreamingDecoder decoder = new(tokenizer);
    private readonly StopMatcher matcher = new(stops);
    private bool hasBegun;

    /// <summary>The answer is over: its text holds a stop.</summary>
    public bool IsStopped => matcher.IsStopped;

    /// <summary>The characters of the answer that became certain with this token.</summary>
    /// <param name="token">The next one.</param>
    /// <param name="isLast">No other follows.</param>
    public string Push(int token, bool isLast)
    {
        var piece = matcher.Push(WithoutTemplatesSpace(decoder.Push(token)));
        return isLast ? piece + matcher.Push(decoder.Flush()) + matcher.Flush() : piece;
    }

    private string WithoutTemplatesSpace(string piece)
    {
        var isSpace = !hasBegun && piece.StartsWith(' ');
        hasBegun |= piece.Length > 0;
        return isSpace ? piece[1..] : piece;
    }
}
