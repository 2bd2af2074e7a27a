using System.Runtime.InteropServices;
using Emu3.Inference.Batching;
using Emu3.Inference.Model;
using static TorchSharp.torch;

namespace Emu3.Inference.Engine;

/// <summary>Runs planned steps on a device that TorchSharp drives. Lives on the thread that owns it.</summary>
/// <param name="model">The decoder.</param>
/// <param name="cache">All slots.</param>
/// <param name="sampler">Draws on the host.</param>
/// <param name="rowFloor">What the self-test found; 1 without row invariance.</param>
public sealed class TorchModelRunner(Emu3Model model, KvCache cache, StepSampler sampler, int rowFloor) : IModelRunner
{
    private readonly StepLogits logits = new();

    public void Clear(Sequence sequence)
    {
        foreach (var branch in sequence.Branches)
            cache.Clear(branch.Slot);
    }

    public int?[] Run(BatchPlan plan, LogitsObserver? observe = null)
    {
        logits.Clear();
        var drawing = plan.DrawingRows();
        for (var start = 0; start < plan.Rows.Count; start += Emu3Model.MaxRows)
            RunPass([.. plan.Rows.Skip(start).Take(Emu3Model.MaxRows)], start, drawing);
        logits.Show(plan, observe);
        return [.. plan.Draws.Select(draw => sampler.Draw(logits, draw))];
    }

    private void RunPass(PlannedRow[] rows, int start, IReadOnlyDictionary<int, bool> drawing)
    {
        using var scope = NewDisposeScope();
        var hidden = model.Forward(rows, cache, rowFloor);
        foreach (var visualOnly in (bool[])[true, false])
        {
            int[] needed = [.. Enumerable.Range(0, rows.Length).Where(i => drawing.TryGetValue(start + i, out var visual) && visual == visualOnly)];
            if (needed.Length == 0)
                continue;
            var computed = model.Logits(hidden, needed, visualOnly, rowFloor).cpu();
            MemoryMarshal.Cast<byte, float>(computed.bytes).CopyTo(
                logits.Add([.. needed.Select(i => start + i)], (int)computed.size(1)));
        }
    }
}
