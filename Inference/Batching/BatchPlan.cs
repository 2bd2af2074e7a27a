namespace Emu3.Inference.Batching;

/// <summary>A row of a forward pass.</summary>
/// <param name="Token">What is fed.</param>
/// <param name="Position">In its sequence, from 0.</param>
/// <param name="Slot">Where its keys and values go, and those of all positions before it are.</param>
public readonly record struct PlannedRow(int Token, int Position, int Slot);

/// <summary>A token to be drawn.</summary>
/// <param name="Sequence">For which.</param>
/// <param name="Index">Of the token among the generated ones of its sequence.</param>
/// <param name="ConditionalRow">Index of the row whose logits decide.</param>
/// <param name="UnconditionalRow">Index of the row of the negative prompt's branch; −1 without guidance.</param>
public readonly record struct PlannedDraw(Sequence Sequence, int Index, int ConditionalRow, int UnconditionalRow);

/// <summary>What one step computes. Rows of one slot are in the order of their positions, draws of one sequence in that of their indices.</summary>
public sealed class BatchPlan
{
    private readonly List<PlannedRow> rows = [];
    private readonly List<PlannedDraw> draws = [];
    private readonly List<(SequenceBranch Branch, int CachedCount)> prefilled = [];

    public IReadOnlyList<PlannedRow> Rows => rows;
    public IReadOnlyList<PlannedDraw> Draws => draws;

    /// <summary>Rows that belong to prompts, or to generated tokens that a request brought.</summary>
    public int PrefillCount { get; private set; }

    /// <summary>The rows that draw by their index, each with whether only visual tokens are allowed there.</summary>
    public IReadOnlyDictionary<int, bool> DrawingRows()
    {
        Dictionary<int, bool> drawing = [];
        foreach (var draw in draws)
        {
            drawing.Add(draw.ConditionalRow, draw.Sequence.Rules.IsVisual);
            if (draw.UnconditionalRow >= 0)
                drawing.Add(draw.UnconditionalRow, draw.Sequence.Rules.IsVisual);
        }
        return drawing;
    }

    /// <summary>Draws that depend on guesses.</summary>
    public int DraftCount { get; private set; }

    /// <summary>Branches that draw nothing in this step, and how many of their positions will be in the cache.</summary>
    internal IReadOnlyList<(SequenceBranch Branch, int CachedCount)> Prefilled => prefilled;

    /// <summary>Plans the next rows of a prompt.</summary>
    internal void Prefill(Sequence sequence, SequenceBranch branch, int count)
    {
        AddRows(sequence, branch, branch.CachedCount + count);
        prefilled.Add((branch, branch.CachedCount + count));
        PrefillCount += count;
    }

    /// <summary>Plans what is missing of a sequence, and draws behind it and behind its first guesses.</summary>
    /// <param name="sequence">All that is missing can be fed.</param>
    /// <param name="window">Draws, 1 to <see cref="Sequence.PossibleDraws"/>.</param>
    internal void Draw(Sequence sequence, int window)
    {
        var indices = new int[window];
        for (var (i, index) = (0, sequence.Generated.Count); i < window; i++, index++)
        {
            while (sequence.Rules.ForcedAt(index) is not null)
                index++;
            indices[i] = index;
        }
        var (conditional, unconditional) = (Feed(0), sequence.Branches.Count == 2 ? Feed(1) : -1);
        foreach (var index in indices)
            draws.Add(new PlannedDraw(sequence, index, conditional + index - indices[0], unconditional < 0 ? -1 : unconditional + index - indices[0]));
        DraftCount += window - 1;

        // Feeds a branch, and returns the row of the last generated token, behind which the first draw is.
        int Feed(int branch)
        {
            var fed = sequence.Branches[branch];
            var missing = sequence.TokenCount(fed) - fed.CachedCount;
            PrefillCount += sequence.HasDrawn ? 0 : missing;
            var first = rows.Count;
            AddRows(sequence, fed, fed.Prompt.Count + indices[^1]);
            return first + missing - 1;
        }
    }

    private void AddRows(Sequence sequence, SequenceBranch branch, int end)
    {
        for (var position = branch.CachedCount; position < end; position++)
            rows.Add(new PlannedRow(sequence.TokenAt(branch, position), position, branch.Slot));
    }
}
