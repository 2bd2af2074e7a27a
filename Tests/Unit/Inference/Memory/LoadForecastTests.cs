using System.Text.Json.Nodes;
using Emu3.Inference;
using Emu3.Inference.Cpu;
using Emu3.Inference.Memory;
using Emu3.Inference.Model;
using Emu3.Inference.Weights;
using Emu3.Tests.Unit.Inference.Engine;
using TemporaryFolder = Emu3.Tests.Unit.Inference.Weights.TemporaryFolder;

namespace Emu3.Tests.Unit.Inference.Memory;

/// <summary>What a load will take, and that one which can't fit is refused before anything is read.</summary>
[Trait("Suite", "Fast")]
public sealed class LoadForecastTests
{
    private const long Mib = 1 << 20;

    [Fact]
    public void Read_OfASmallCheckpoint_HasThePartsThatTheFilesSay()
    {
        var forecast = LoadForecast.Read(Options(slots: 4), availableBytes: 1000 * Mib);
        var config = ConfigReader.Read(ModelFolder.Open(TestEngines.Trained));
        Assert.Equal(512, forecast.Positions);
        Assert.Equal(4 * CpuKvCache.SlotBytes(config.Transformer, 512), Of(forecast, "keys and values"));
        Assert.Equal(forecast.MappedBytes, Of(forecast, "weights, mapped"));
        using var files = CheckpointFiles.Open(ModelFolder.Open(TestEngines.Trained));
        Assert.Equal(files.ByteCount, forecast.MappedBytes);
        // Six layers of attention and feed-forward in bfloat16, and the visual tokens' part of the head.
        var layer = 2L * (256 * 256 * 2 + 256 * 64 * 2 + 3 * 256 * 704);
        Assert.Equal(6 * layer + 2L * 256 * config.Tokens.VisualCount, forecast.PassBytes, 2.0);
        Assert.Null(forecast.Shortage(forecast.NeededBytes, "m"));
    }

    [Fact]
    public void Read_SlotsLeftOpen_TakesAsManyAsFitItsOwnForecast()
    {
        var one = LoadForecast.Read(Options(slots: 1), long.MaxValue);
        var others = one.NeededBytes - one.SlotBytes;
        foreach (var slots in (int[])[1, 2, 3, 9, 40, 200])
        {
            var available = others + slots * one.SlotBytes;
            var forecast = LoadForecast.Read(Options(slots: 0), available);
            Assert.Null(forecast.Shortage(available, "m"));
            Assert.Equal(Math.Clamp(slots / 2, Math.Min(2, slots), 64), forecast.SlotCount);
        }

        var refused = Assert.Throws<InvalidOperationException>(() => LoadForecast.Read(Options(slots: 0), others + one.SlotBytes / 2));
        Assert.Contains("Engine:SlotPositions", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Shortage_TooManySlots_SaysHowManyFit()
    {
        var forecast = LoadForecast.Read(Options(slots: 40), long.MaxValue);
        var message = forecast.Shortage(forecast.NeededBytes - 10 * forecast.SlotBytes, "emu3-tiny");
        Assert.Contains("emu3-tiny does not fit on cpu", message, StringComparison.Ordinal);
        Assert.Contains("with 40 slots of 512 positions", message, StringComparison.Ordinal);
        Assert.Contains("(--slots) of at most 30 fits", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Shortage_NoWholeSlot_SaysHowManyPositionsFitOrWhatIsMissing()
    {
        var forecast = LoadForecast.Read(Options(slots: 1), long.MaxValue);
        Assert.Contains("at most 384 positions", forecast.Shortage(forecast.NeededBytes - forecast.SlotBytes / 4, "m"), StringComparison.Ordinal);
        Assert.Contains("more memory", forecast.Shortage(forecast.NeededBytes - forecast.SlotBytes - Mib, "m"), StringComparison.Ordinal);
    }

    /// <summary>For images alone, no picture is encoded and the head's text is not read; for chat alone none is decoded.</summary>
    [Fact]
    public void Read_WithCapabilities_LeavesOutWhatIsNotUsed()
    {
        var all = LoadForecast.Read(Options(slots: 4), long.MaxValue);
        var images = LoadForecast.Read(Options(slots: 4, EngineOptions.Images), long.MaxValue);
        var chat = LoadForecast.Read(Options(slots: 4, EngineOptions.Chat), long.MaxValue);
        Assert.Equal(2, all.Parts.Count(part => part.Kind == MemoryKind.Picture));
        Assert.Contains("decode", Assert.Single(images.Parts, part => part.Kind == MemoryKind.Picture).Name, StringComparison.Ordinal);
        Assert.Contains("encode", Assert.Single(chat.Parts, part => part.Kind == MemoryKind.Picture).Name, StringComparison.Ordinal);
        Assert.True(chat.PassBytes > images.PassBytes);
    }

    [Fact]
    public async Task LoadAsync_OfWhatNoMachineHas_IsRefusedByNameBeforeTheWeightsAreHashed()
    {
        using var folder = new TemporaryFolder();
        foreach (var path in Directory.EnumerateFiles(TestEngines.TinyA))
            File.Copy(path, Path.Combine(folder.Path, Path.GetFileName(path)));
        var config = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder.Path, "config.json"), TestContext.Current.CancellationToken))!;
        config["text_config"]!["max_position_embeddings"] = 1 << 28;
        folder.Write("config.json", config.ToJsonString());
        var stages = new List<string>();
        var options = new EngineOptions { Model = folder.Path, SlotCount = 1 << 20, SlotPositions = 1 << 14, Threads = 1 }; // pictures of which are small
        var refused = Assert.Throws<InvalidOperationException>(() => LoadedModels.Load(options, stages));
        Assert.Contains("does not fit on cpu", refused.Message, StringComparison.Ordinal);
        Assert.Contains("keys and values", refused.Message, StringComparison.Ordinal);
        Assert.Contains("--slots", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("loading weights", stages);
    }

    private static class LoadedModels
    {
        public static void Load(EngineOptions options, List<string> stages) =>
            Emu3.Inference.Engine.LoadedModel.Load(options, new Stages(stages), TestContext.Current.CancellationToken).Dispose();
    }

    private sealed class Stages(List<string> told) : IProgress<LoadStage>
    {
        public void Report(LoadStage value) => told.Add(value.What);
    }

    private static EngineOptions Options(int slots, params string[] capabilities) => new() { Model = TestEngines.Trained, SlotCount = slots, Capabilities = capabilities };

    private static long Of(MemoryForecast forecast, string name) => Assert.Single(forecast.Parts, part => part.Name.StartsWith(name, StringComparison.Ordinal)).Bytes;
}
