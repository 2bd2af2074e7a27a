namespace Emu3.Benchmarks.GpuCounts;

/// <summary>What a pass asks of a GPU, counted where there is none, and what that predicts.</summary>
internal static class GpuCountBenchmark
{
    private const int SlotCount = 116, Layers = 32; // 58 guided pictures: what fits beside the weights in 139 GiB

    private static readonly int[] s_contexts = [256, 2048, 8192];
    private static readonly int[] s_pictures = [1, 8, 58];

    public static void Run()
    {
        var report = new Report("What a pass asks of a GPU", "dotnet run --project Benchmarks -c Release -- gpu-counts");
        report.Line("* counted on the processor: no GPU was at hand, and nothing here was timed on one");
        report.Line("* bfloat16, the real model's 32 heads, 8 key heads, vocabulary and 9,216 positions, with narrow layers: operations depend on no width. Counted with one, two and three layers, which must lie on a line");
        report.Line("* guided pictures with guidance 3 and top-k 2,048, 116 slots, row floor 16; an operation is one that passes the hook of libtorch's own profiler and computes (OperationCounter)");
        List<string[]> counted = [], predicted = [];
        var names = "";
        using (CountedModel one = new(1, SlotCount), two = new(2, SlotCount), three = new(3, SlotCount))
        {
            foreach (var context in s_contexts)
            {
                foreach (var pictures in s_pictures)
                {
                    var (first, second, third) = (one.Step(pictures, context), two.Step(pictures, context), three.Step(pictures, context));
                    var layer = second.Operations - first.Operations;
                    if (third.Operations - second.Operations != layer)
                        throw new InvalidOperationException($"The layers are not alike: {first.Operations}, {second.Operations}, {third.Operations} operations.");
                    var (around, calls) = (first.Operations - layer, second.Calls - first.Calls);
                    counted.Add(
                    [
                        $"{context:N0}", $"{pictures}", $"{layer}", $"{calls}", $"{around}", $"{around + Layers * layer:N0}", $"{first.Waits}",
                        $"{Report.Figure(first.ReceivedBytes / 1024.0 / pictures)} KB", $"{Report.Figure(first.SentBytes / 1024.0)} KB in {first.Sends}",
                    ]);
                    predicted.Add(PassPrediction.Of(pictures, context, one.BlockSize, SlotCount, around + Layers * layer).Row());
                    names = string.Join(", ", second.ByName.Where(pair => pair.Value != first.ByName.GetValueOrDefault(pair.Key)).Select(pair => $"{pair.Key} {pair.Value - first.ByName.GetValueOrDefault(pair.Key)}"));
                }
            }
        }
        report.Line();
        report.Line("## Counted");
        report.Table(["context", "pictures", "operations a layer", "calls a layer, views too", "around the layers", "a pass of 32 layers", "waits", "to the host, a token", "to the device, a pass"], counted);
        report.Line($"Of a layer: {names}.");
        report.Line();
        report.Line("## Predicted for one H200");
        report.Line();
        report.Line($"A launch takes 5 µs, memory gives 4.3 TB/s, and launches run ahead of the device, so that a pass takes the larger of both. {PassPrediction.Explanation}");
        report.Table(["context", "pictures", "launches, ms", "weights, ms", "attention, ms", "keys read", "a pass, ms", "tokens/s", "of it the roofline"], predicted);
        report.Save("gpu-counts");
    }
}
