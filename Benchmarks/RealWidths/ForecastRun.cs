using System.Diagnostics;
using System.Diagnostics.Metrics;
using Emu3.Inference;
using Emu3.Inference.Engine;
using Emu3.Inference.Memory;
using Emu3.Inference.Model;
using Emu3.Inference.Weights;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu3.Benchmarks.RealWidths;

/// <summary>What one process forecast and measured.</summary>
/// <param name="Before">Its own resident memory before the load, in bytes.</param>
/// <param name="LoadSeconds">Until the engine was ready.</param>
/// <param name="FirstTokenSeconds">Of the picture.</param>
/// <param name="Tokens">Of the picture, forced ones included.</param>
/// <param name="SecondsAToken">From the first to the last.</param>
/// <param name="Generating">Its own resident memory with the last token.</param>
/// <param name="GeneratingMapped">Resident pages of mapped files then.</param>
/// <param name="DecodeSeconds">Of the largest picture.</param>
/// <param name="Peak">Its own resident memory at most, while pictures of all forecast sizes were decoded.</param>
/// <param name="End">Its own resident memory behind that.</param>
/// <param name="ForecastGenerating">Without what pictures take.</param>
/// <param name="ForecastPeak">With them.</param>
/// <param name="ForecastEnd">With the laid out kernels.</param>
/// <param name="ForecastMapped">All weights.</param>
/// <param name="PassBytes">Weights that a pass reads.</param>
internal sealed record ForecastResult(
    long Before, double LoadSeconds, double FirstTokenSeconds, int Tokens, double SecondsAToken, long Generating, long GeneratingMapped, double DecodeSeconds, long Peak, long End,
    long ForecastGenerating, long ForecastPeak, long ForecastEnd, long ForecastMapped, long PassBytes);

/// <summary>One process's part of <see cref="HugeBenchmark"/>: forecasts, loads, draws one guided picture, decodes pictures of all forecast sizes, and says what it took.</summary>
internal static class ForecastRun
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(10);

    public static async Task<ForecastResult> MeasureAsync(string model, string? vision, int positions, int cells)
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var options = new EngineOptions { Model = model, Vision = vision, SlotCount = 2, SlotPositions = positions, Capabilities = [EngineOptions.Images] };
        var forecast = LoadForecast.Read(options, LoadForecast.AvailableBytes(options.Device));
        var config = ConfigReader.Read(ModelFolder.Open(model, vision));
        var before = Own();
        var watch = Stopwatch.StartNew();
        await using var engine = await Emu3Engine.LoadAsync(options, NullLoggerFactory.Instance, services.GetRequiredService<IMeterFactory>());
        var load = watch.Elapsed.TotalSeconds;

        watch.Restart();
        var (first, tokens, last, memory) = (0.0, 0, 0.0, default(ProcessMemory));
        await foreach (var told in engine.Run(Request(cells, cells)))
        {
            if (told is EngineEvent.Failed failed)
                throw new InvalidOperationException(failed.Failure.Message);
            if (told is not EngineEvent.TokensGenerated chunk)
                continue;
            (first, last, memory) = (first == 0 ? watch.Elapsed.TotalSeconds : first, watch.Elapsed.TotalSeconds, ProcessMemory.Read());
            tokens += chunk.Ids.Length;
            if (tokens >= (cells + 1) * cells)
                break; // all but the last forced ones: the picture is decoded below
        }

        using var end = new CancellationTokenSource();
        var peak = WatchAsync(end.Token);
        var longest = 0.0;
        foreach (var (height, width) in PictureSizes.Drawn(config, forecast.Positions))
        {
            watch.Restart();
            await foreach (var told in engine.Run(Request(height, width) with { IsPreview = true, GuidanceScale = 1, Prompt = "" }))
                if (told is EngineEvent.Failed failed)
                    throw new InvalidOperationException(failed.Failure.Message);
            longest = Math.Max(longest, watch.Elapsed.TotalSeconds);
        }
        await end.CancelAsync();
        // Of slots that are not full, memory is what was used.
        options.SlotPositions = engine.Measure(Request(cells, cells)).Positions;
        var unused = 2 * (forecast.SlotBytes - LoadForecast.Read(options, long.MaxValue).SlotBytes);
        var layouts = forecast.Parts.Where(part => part.Name.StartsWith("vision tokenizer's kernels", StringComparison.Ordinal)).Sum(part => part.Bytes);
        return new(
            before, load, first, tokens, (last - first) / Math.Max(1, tokens - 1), memory.AnonymousBytes, memory.MappedBytes, longest, await peak, Own(),
            before + forecast.HeldBytes - layouts - unused, before + forecast.HeldBytes + forecast.PictureBytes - unused, before + forecast.HeldBytes + forecast.KeptPictureBytes - unused, forecast.MappedBytes, forecast.PassBytes);
    }

    private static long Own() => ProcessMemory.Read().AnonymousBytes;

    private static async Task<long> WatchAsync(CancellationToken end)
    {
        var peak = Own();
        using var timer = new PeriodicTimer(s_look, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(end))
                peak = Math.Max(peak, Own());
        }
        catch (OperationCanceledException)
        {
            // The end of what is watched.
        }
        return peak;
    }

    private static ImageRequest Request(int height, int width) => new()
    {
        Id = "huge",
        Prompt = "a big red star on a blue background",
        NegativePrompt = "blurry",
        GuidanceScale = 3,
        Sampling = new SamplingSettings(1, 2048, 1),
        Seed = 7,
        LatentHeight = height,
        LatentWidth = width,
    };
}
