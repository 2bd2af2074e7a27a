using Emu3.Inference.Batching;
using Emu3.Inference.Model;
using Emu3.Inference.Tokens;
using static TorchSharp.torch;

namespace Emu3.Inference.Engine;

/// <summary>
/// Runs planned steps on a device that TorchSharp drives, and draws there. Lives on the thread that owns it. The host waits for the device once a step, for what
/// was drawn.
/// </summary>
/// <param name="model">The decoder.</param>
/// <param name="cache">All slots.</param>
/// <param name="tokens">Where the visual tokens begin.</param>
/// <param name="rowFloor">What the self-test found; 1 without row invariance.</param>
public sealed class TorchModelRunner(Emu3Model model, KvCache cache, SpecialTokens tokens, int rowFloor) : IModelRunner
{
    private readonly DeviceSampler sampler = new(model.Link, model.Config.VocabularySize);

    public int RowsPerPass => Emu3Model.MaxRows;

    public void Clear(Sequence sequence)
    {
        foreach (var branch in sequence.Branches)
            cache.Clear(branch.Slot);
    }

    public int?[] Run(BatchPlan plan, LogitsObserver? observe = null)
    {
        using var scope = NewDisposeScope();
        var drawing = plan.DrawingRows();
        Dictionary<int, (bool IsVisual, int Row)> places = []; // of a planned row's logits
        Dictionary<bool, List<Tensor>> computed = new() { [true] = [], [false] = [] };
        for (var start = 0; start < plan.Rows.Count; start += Emu3Model.MaxRows)
            RunPass([.. plan.Rows.Skip(start).Take(Emu3Model.MaxRows)], start, drawing, computed, places);
        var logits = computed.Where(kind => kind.Value.Count > 0).ToDictionary(kind => kind.Key, kind => kind.Value is [var one] ? one : cat(kind.Value));
        Show(plan, observe, places, logits);
        return sampler.Draw([.. plan.Draws.Select(draw =>
        {
            var (isVisual, row) = places[draw.ConditionalRow];
            return new DeviceDraw(
                logits[isVisual], row, draw.UnconditionalRow < 0 ? -1 : places[draw.UnconditionalRow].Row, isVisual ? tokens.FirstVisual : 0,
                draw.Sequence.Settings, draw.Index);
        })]);
    }

    private void RunPass(
        PlannedRow[] rows, int start, IReadOnlyDictionary<int, bool> drawing, Dictionary<bool, List<Tensor>> computed, Dictionary<int, (bool, int)> places)
    {
        var hidden = model.Forward(rows, cache, rowFloor);
        foreach (var (isVisual, logits) in computed)
        {
            int[] needed = [.. Enumerable.Range(0, rows.Length).Where(i => drawing.TryGetValue(start + i, out var visual) && visual == isVisual)];
            if (needed.Length == 0)
                continue;
            var before = (int)logits.Sum(tensor => tensor.size(0));
            logits.Add(model.Logits(hidden, needed, isVisual, rowFloor));
            for (var i = 0; i < needed.Length; i++)
                places.Add(start + needed[i], (isVisual, before + i));
        }
    }

    private void Show(BatchPlan plan, LogitsObserver? observe, Dictionary<int, (bool IsVisual, int Row)> places, Dictionary<bool, Tensor> logits)
    {
        if (observe is null)
            return;
        var fetched = logits.ToDictionary(kind => kind.Key, kind => (Numbers: model.Link.Receive(kind.Value), Width: (int)kind.Value.size(1)));
        foreach (var draw in plan.Draws)
            observe(draw, Row(draw.ConditionalRow), draw.UnconditionalRow < 0 ? [] : Row(draw.UnconditionalRow));

        ReadOnlySpan<float> Row(int planned)
        {
            var ((numbers, width), row) = (fetched[places[planned].IsVisual], places[planned].Row);
            return numbers.AsSpan(row * width, width);
        }
    }
}
