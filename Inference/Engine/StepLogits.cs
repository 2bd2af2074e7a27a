using Emu3.Inference.Batching;

namespace Emu3.Inference.Engine;

/// <summary>Logits of the rows of a step that draw, as plain numbers. Valid until the next step.</summary>
public sealed class StepLogits
{
    private readonly Dictionary<int, (int Start, int Length)> places = [];
    private float[] values = [];
    private int used;

    /// <summary>Of one planned row: a number for each allowed token.</summary>
    /// <param name="row">Index in the plan.</param>
    public ReadOnlySpan<float> Of(int row) => values.AsSpan(places[row].Start, places[row].Length);

    /// <summary>Shows the logits of all draws of a step.</summary>
    internal void Show(BatchPlan plan, LogitsObserver? observe)
    {
        if (observe is null)
            return;
        foreach (var draw in plan.Draws)
            observe(draw, Of(draw.ConditionalRow), draw.UnconditionalRow < 0 ? [] : Of(draw.UnconditionalRow));
    }

    internal void Clear()
    {
        places.Clear();
        used = 0;
    }

    /// <summary>Room for the logits of some rows, one behind the other.</summary>
    internal Span<float> Add(IReadOnlyList<int> rows, int width)
    {
        var start = used;
        used += rows.Count * width;
        if (values.Length < used)
            Array.Resize(ref values, Math.Max(used, 2 * values.Length));
        for (var i = 0; i < rows.Count; i++)
            places.Add(rows[i], (start + i * width, width));
        return values.AsSpan(start, rows.Count * width);
    }
}
