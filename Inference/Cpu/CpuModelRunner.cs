using Emu3.Inference.Batching;
using Emu3.Inference.Engine;
using Emu3.Inference.Tokens;

namespace Emu3.Inference.Cpu;

/// <summary>Runs planned steps on the processor, with kernels of our own.</summary>
/// <param name="model">The decoder.</param>
/// <param name="threads">The model's own; they draw as well.</param>
/// <param name="tokens">Of the checkpoint: a row that draws a visual token has logits for those alone.</param>
/// <param name="vocabularySize">Logits of any other row.</param>
internal sealed class CpuModelRunner(CpuModel model, CpuThreads threads, SpecialTokens tokens, int vocabularySize) : IModelRunner
{
    private const int DrawCost = 8; // simple operations on each logit: its maximum, three passes of top-k, the noise

    private readonly StepLogits logits = new();
    private readonly StepSampler sampler = new(tokens, vocabularySize, threads.Count);

    public int RowsPerPass => CpuModel.MaxRows;

    /// <summary>Nothing is to be done: attention reads no position that the sequence has not written.</summary>
    public void Clear(Sequence sequence) { }

    public int?[] Run(BatchPlan plan, LogitsObserver? observe = null)
    {
        logits.Clear();
        var drawing = plan.DrawingRows();
        for (var start = 0; start < plan.Rows.Count; start += CpuModel.MaxRows)
            RunPass([.. plan.Rows.Skip(start).Take(CpuModel.MaxRows)], start, drawing);
        logits.Show(plan, observe);
        return Draw(plan.Draws);
    }

    private void RunPass(PlannedRow[] rows, int start, IReadOnlyDictionary<int, bool> drawing)
    {
        int[] needed = [.. Enumerable.Range(0, rows.Length).Where(i => drawing.ContainsKey(start + i))];
        unsafe
        {
            model.Forward(rows, needed);
        }
        foreach (var visualOnly in (bool[])[true, false])
        {
            int[] chosen = [.. Enumerable.Range(0, needed.Length).Where(i => drawing[start + needed[i]] == visualOnly)];
            if (chosen.Length > 0)
                model.Logits(chosen, visualOnly, logits.Add([.. chosen.Select(i => start + needed[i])], visualOnly ? tokens.VisualCount : vocabularySize));
        }
    }

    private int?[] Draw(IReadOnlyList<PlannedDraw> draws)
    {
        var drawn = new int?[draws.Count];
        var width = draws.Any(draw => !draw.Sequence.Rules.IsVisual) ? vocabularySize : tokens.VisualCount;
        threads.For(draws.Count, (long)DrawCost * width, (from, to, thread) =>
        {
            for (var i = from; i < to; i++)
                drawn[i] = sampler.Draw(logits, draws[i], thread);
        });
        return drawn;
    }
}
