using Emu3.Inference.Tokens;

namespace Emu3.Inference.Batching;

/// <summary>
/// One request in the batch: the tokens generated so far behind one prompt, or behind two (guidance), each of which has a slot of its own.
/// Branches get the same generated tokens at the same step.
/// </summary>
public sealed class Sequence
{
    private readonly List<int> generated;

    /// <param name="rules">What may follow, and when it ends.</param>
    /// <param name="prompts">Of each branch, the conditional one first; none is empty.</param>
    /// <param name="generated">Tokens generated before, forced ones included; they follow the rules.</param>
    /// <param name="settings">How its tokens are drawn.</param>
    public Sequence(ISequenceRules rules, IReadOnlyList<int[]> prompts, IReadOnlyList<int> generated, DrawSettings settings)
    {
        if (prompts.Count is not (1 or 2) || prompts.Any(prompt => prompt.Length == 0))
            throw new ArgumentException("A sequence has one or two prompts of at least one token.", nameof(prompts));
        (Rules, Settings) = (rules, settings);
        Branches = [.. prompts.Select(prompt => new SequenceBranch(prompt))];
        this.generated = [.. generated];
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
        position < branch.Prompt.Count ? branch.Prompt[position] : generated[position - branch.Prompt.Count];

    /// <summary>Adds a drawn token and the forced ones behind it.</summary>
    internal void Append(int token)
    {
        HasDrawn = true;
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
