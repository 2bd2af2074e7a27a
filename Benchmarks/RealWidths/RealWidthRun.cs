using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Emu3.Inference;
using Emu3.Inference.Engine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu3.Benchmarks.RealWidths;

/// <summary>What one process measured.</summary>
/// <param name="LoadSeconds">Until the engine was ready.</param>
/// <param name="TokensPerSecond">Of all pictures together, from the first drawn token to the last.</param>
/// <param name="PeakBytes">Resident at most, mapped files included.</param>
/// <param name="AnonymousBytes">Resident at the end, without mapped files: what the system can't take back.</param>
/// <param name="Ids">A hash of all tokens.</param>
internal sealed record RealWidthResult(double LoadSeconds, double TokensPerSecond, long PeakBytes, long AnonymousBytes, string Ids);

/// <summary>One process's part of the benchmark: loads the checkpoint, draws guided pictures together, and says what it took.</summary>
internal static class RealWidthRun
{
    public static async Task<RealWidthResult> MeasureAsync(string language, string vision, bool onTorch, int pictures, int cells)
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var watch = Stopwatch.StartNew();
        await using var engine = await Emu3Engine.LoadAsync(
            new EngineOptions { Model = language, Vision = vision, SlotCount = 2 * pictures, SlotPositions = 1024, TorchOnCpu = onTorch },
            NullLoggerFactory.Instance, services.GetRequiredService<IMeterFactory>());
        var load = watch.Elapsed.TotalSeconds;
        var (ids, first, count) = (new int[pictures][], 0L, 0);
        await Task.WhenAll(Enumerable.Range(0, pictures).Select(async i =>
        {
            var generated = new List<int>();
            await foreach (var told in engine.Run(Request(i, cells)))
            {
                if (told is EngineEvent.Failed failed)
                    throw new InvalidOperationException(failed.Failure.Message);
                if (told is not EngineEvent.TokensGenerated tokens)
                    continue;
                if (Interlocked.CompareExchange(ref first, Stopwatch.GetTimestamp(), 0) != 0)
                    Interlocked.Add(ref count, tokens.Ids.Length);
                generated.AddRange(tokens.Ids);
                if (generated.Count >= (cells + 1) * cells)
                    break; // all but the last forced ones: the picture is not decoded
            }
            ids[i] = [.. generated];
        }));
        var seconds = Stopwatch.GetElapsedTime(first).TotalSeconds;
        var hash = Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<int>(ids.SelectMany(id => id).ToArray())))[..12];
        return new RealWidthResult(load, count / seconds, Status("VmHWM"), Status("RssAnon"), hash);
    }

    /// <summary>A guided picture, sampled.</summary>
    internal static ImageRequest Request(int i, int cells) => new()
    {
        Id = $"{i}",
        Prompt = "a big red star on a blue background",
        NegativePrompt = "blurry",
        GuidanceScale = 3,
        Sampling = new SamplingSettings(1, 2048, 1),
        Seed = (ulong)i,
        LatentHeight = cells,
        LatentWidth = cells,
    };

    private static long Status(string field) => 1024 * long.Parse(
        File.ReadLines("/proc/self/status").First(line => line.StartsWith(field, StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);
}
