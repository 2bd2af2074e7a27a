using Emu3.Inference.Batching;
using Emu3.Inference.Engine;

namespace Emu3.Inference.Cpu;

/// <summary>Runs planned steps on the processor, with kernels of our own.</summary>
/// <param name="model">The decoder.</param>
/// <param name="visualCount">Logits of a row that may draw visual tokens only.</param>
/// <param name="vocabularySize">Logits of any other row.</param>
internal sealed class CpuModelRunner(CpuModel model, int visualCount, int vocabularySize) : IModelRunner
{
    private readonly StepLogits logits = new();

    /// <summary>Nothing is to be done: attention reads no position that the sequence has not written.</summary>
    public void Clear(Sequence sequence) { }

    public StepLogits Run(BatchPlan plan)
    {
        logits.Clear();
        var drawing = plan.DrawingRows();
        for (var start = 0; start < plan.Rows.Count; start += CpuModel.MaxRows)
            RunPass([.. plan.Rows.Skip(start).Take(CpuModel.MaxRows)], start, drawing);
        return logits;
    }

    private unsafe void RunPass(PlannedRow[] rows, int start, IReadOnlyDictionary<int, bool> drawing)
    {
        int[] needed = [.. Enumerable.Range(0, rows.Length).Where(i => drawing.ContainsKey(start + i))];
        model.Forward(rows, needed);
        foreach (var visualOnly in (bool[])[true, false])
        {
            int[] chosen = [.. Enumerable.Range(0, needed.Length).Where(i => drawing[start + needed[i]] == visualOnly)];
            if (chosen.Length > 0)
                model.Logits(chosen, visualOnly, logits.Add([.. chosen.Select(i => start + needed[i])], visualOnly ? visualCount : vocabularySize));
        }
    }
}
