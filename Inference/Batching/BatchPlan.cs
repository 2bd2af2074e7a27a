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
    private readonly List<(SequenceBranch Branch, int Count)> advances = [];

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

    internal IReadOnlyList<(SequenceBranch Branch, int Count)> Advances => advances;

    /// <summary>Plans the next rows of a branch and returns the index of the last one.</summary>
    internal int Add(Sequence sequence, SequenceBranch branch, int from, int count)
    {
        for (var position = from; position < from + count; position++)
            rows.Add(new PlannedRow(sequence.TokenAt(branch, position), position, branch.Slot));
        advances.Add((branch, count));
        PrefillCount += sequence.HasDrawn ? 0 : count;
        return rows.Count - 1;
    }

    internal void Draw(Sequence sequence, int conditionalRow, int unconditionalRow) =>
        draws.Add(new PlannedDraw(sequence, sequence.Generated.Count, conditionalRow, unconditionalRow));
}
