using System.Text.Json.Nodes;
using Emu3.Benchmarks.RealWidths;
using Emu3.Inference;
using Emu3.Inference.Memory;
using Emu3.Inference.Model;
using Emu3.Inference.Weights;
using Emu3.Tests.Unit.Inference.Weights;

namespace Emu3.Tests.Deployment;

/// <summary>The table of sizes in docs/kubernetes.md: what the memory arithmetic of <c>emu3 doctor</c> says of Emu3-Gen on each GPU. Computed, not measured.</summary>
[Trait("Suite", "Fast")]
public sealed class SizesTests : IDisposable
{
    private const int RealLayers = 32;

    /// <summary>Memory as the driver tells it, in MiB.</summary>
    private static readonly (string Gpu, long Memory)[] s_gpus =
        [("L4, A10", 23_028), ("A100 40 GB", 40_960), ("L40S, 48 GB", 46_068), ("A100, H100 80 GB", 81_559), ("H200", 143_771), ("B200", 183_359)];

    private readonly SmallCheckpoint _checkpoint = new();

    public void Dispose() => _checkpoint.Dispose();

    [Fact]
    public void Table_OfTheDocument_IsWhatTheForecastSays()
    {
        var document = File.ReadAllText(Repository.PathTo("docs", "kubernetes.md"));
        var missing = s_gpus.Select(gpu => Row(gpu.Gpu, gpu.Memory << 20)).Where(row => !document.Contains(row, StringComparison.Ordinal)).ToList();
        Assert.True(missing.Count == 0, $"The document must have these rows:\n{string.Join('\n', missing)}");
    }

    private string Row(string gpu, long bytes)
    {
        // Fields that are absent take the real model's values.
        _checkpoint.Write("config.json", new JsonObject { ["text_config"] = new JsonObject() });
        _checkpoint.Write("tokenizer.json", SmallCheckpoint.BuildTokenizer(visualCount: 32768));
        var config = ConfigReader.Read(_checkpoint.Folder);
        var weights = WeightSizes.Of([.. Entries("", GeometryCheckpoint.LanguageTensors(RealLayers), ElementType.BF16, 2), .. Entries(CheckpointLayout.VisionPrefix, VisionTensors.All(), ElementType.F32, 4)]);
        try
        {
            var forecast = CudaMemory.Forecast(config, weights, new EngineOptions { Model = "Emu3-Gen-hf", Device = "cuda:0" }, new ModelUses(Draws: true, Chats: false), bytes);
            return forecast.Shortage(bytes, "") is null
                ? $"| {gpu} | {MemoryForecast.Text(bytes)} | {forecast.SlotCount} | {forecast.SlotCount / 2} | {MemoryForecast.Text(forecast.NeededBytes)} |"
                : $"| {gpu} | {MemoryForecast.Text(bytes)} | | does not fit | {MemoryForecast.Text(forecast.NeededBytes)} |";
        }
        catch (InvalidOperationException)
        {
            return $"| {gpu} | {MemoryForecast.Text(bytes)} | | does not fit | |";
        }
    }

    private static IEnumerable<KeyValuePair<string, SafetensorsEntry>> Entries(string prefix, IEnumerable<RandomTensor> tensors, ElementType type, int bytes) =>
        tensors.Select(tensor => KeyValuePair.Create(prefix + tensor.Name, new SafetensorsEntry(tensor.Name, type, tensor.Shape, 0, bytes * tensor.Count)));
}
