using Emu3.Inference.Tokens;

namespace Emu3.Inference.Batching;

/// <summary>
/// One request in the batch: the tokens generated so far behind one prompt, or behind two (guidance), each of which has a slot of its own.
/// Branches get the same generated tokens at the same step.
/// </summary>
public sealed class Sequence
{
    private readonly List<int> generated;
    private readonly List<int> drafts = []; // guesses of the tokens behind the generated ones, forced ones included
    private readonly IDraftSource source;

    /// <param name="rules">What may follow, and when it ends.</param>
    /// <param name="prompts">Of each branch, the conditional one first; none is empty.</param>
    /// <param name="generated">Tokens generated before, forced ones included; they follow the rules.</param>
    /// <param name="settings">How its tokens are drawn.</param>
    /// <param name="drafts">Where guesses come from; null for those that suit the rules.</param>
    public Sequence(ISequenceRules rules, IReadOnlyList<int[]> prompts, IReadOnlyList<int> generated, DrawSettings settings, IDraftSource? drafts = null)
    {
        if (prompts.Count is not (1 or 2) || prompts.Any(prompt => prompt.Length == 0))
            throw new ArgumentException("A sequence has one or two prompts of at least one token.", nameof(prompts));
        (Rules, Settings) = (rules, settings);
        Branches = [.. prompts.Select(prompt => new SequenceBranch(prompt))];
        this.generated = [.. generated];
        source = drafts ?? (rules.IsVisual ? new PictureDrafts() : new TextDrafts());
        AppendForced();
    }

    public ISequenceRules Rules { get; }
    public DrawSettings Settings { get; }
    public IReadOnlyList<SequenceBranch> Branches { get; }

    /// <summary>All generated tokens, those that the request brought included.</summary>
    public IReadOnlyList<int> Generated => generated;

    /// <summary>Nothing can follow.</summary>
    public bool IsFinished => generated.Count > 0 && Rules.IsEnd(generated.Count, generated[^1]);

    /// <summary>A token was drawn here: all that is missing in the cache are the last tokens.</summary>
    public bool HasDrawn { get; private set; }

    /// <summary>Tokens of a branch: prompt and generated ones.</summary>
    internal int TokenCount(SequenceBranch branch) => branch.Prompt.Count + generated.Count;

    internal int TokenAt(SequenceBranch branch, int position) =>
        position < branch.Prompt.Count ? branch.Prompt[position] : Known(position - branch.Prompt.Count);

    /// <summary>A token of the generated part, generated or guessed.</summary>
    public int Known(int index) => index < generated.Count ? generated[index] : drafts[index - generated.Count];

    /// <summary>Tokens that one step may try to draw: one, and one behind each guess.</summary>
    public int PossibleDraws { get; private set; } = 1;

    /// <summary>How good its guesses have been; given by the scheduler.</summary>
    internal DraftAcceptance Acceptance { get; set; } = null!;

    /// <summary>Guesses tokens, up to where the source knows nothing or no draw would follow.</summary>
    /// <param name="longestWindow">Draws that they are for.</param>
    internal void Guess(int longestWindow)
    {
        drafts.Clear();
        for (PossibleDraws = 1; PossibleDraws < longestWindow; PossibleDraws++)
        {
            var known = drafts.Count;
            if (source.At(this, generated.Count + known) is not { } guess || !AddDraft(guess))
            {
                drafts.RemoveRange(known, drafts.Count - known);
                return;
            }
        }
    }

    /// <summary>What a step drew behind a wrong guess.</summary>
    internal void Learn(int index, int token) => source.Learn(index, token);

    /// <summary>Takes back the last tokens, behind which nothing will follow.</summary>
    internal void Truncate(int count) => generated.RemoveRange(count, generated.Count - count);

    /// <summary>Adds a guess and the forced tokens behind it; false when nothing is sampled behind them.</summary>
    private bool AddDraft(int token)
    {
        drafts.Add(token);
        int Count() => generated.Count + drafts.Count;
        while (!Rules.IsEnd(Count(), drafts[^1]))
        {
            if (Rules.ForcedAt(Count()) is not { } forced)
                return true;
            drafts.Add(forced);
        }
        return false;
    }

    /// <summary>Adds a drawn token and the forced ones behind it.</summary>
    internal void Append(int token)
    {
        HasDrawn = true;
        drafts.Clear();
        generated.Add(token);
        AppendForced();
    }

    private void AppendForced()
    {
        while (!IsFinished && Rules.ForcedAt(generated.Count) is { } forced)
            generated.Add(forced);
    }
}

/// <summary>A prompt with its slot.</summary>
public sealed class SequenceBranch(IReadOnlyList<int> prompt)
{
    /// <summary>Not empty.</summary>
    public IReadOnlyList<int> Prompt => prompt;

    /// <summary>Slot of the cache; −1 while it waits and when it is over.</summary>
    public int Slot { get; internal set; } = -1;

    /// <summary>Positions from 0 whose keys and values are in the slot.</summary>
    public int CachedCount { get; internal set; }
}
