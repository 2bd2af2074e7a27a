using System.Diagnostics;
using System.Diagnostics.Metrics;
using Emu3.Inference;
using Emu3.Inference.Engine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu3.Benchmarks.ParallelDecoding;

/// <summary>One picture's tokens, without its pixels.</summary>
/// <param name="Ids">All but the last forced ones.</param>
/// <param name="TokensPerSecond">From the first drawn token to the last.</param>
/// <param name="Steps">Of the engine.</param>
internal sealed record PictureRun(int[] Ids, double TokensPerSecond, long Steps)
{
    public static IMeterFactory Meters() => new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>();

    public static Task<IEngine> LoadAsync(EngineOptions options, IMeterFactory meters) => Emu3Engine.LoadAsync(options, NullLoggerFactory.Instance, meters);

    /// <summary>Draws a picture alone.</summary>
    public static async Task<PictureRun> DrawAsync(IEngine engine, ImageRequest request)
    {
        var (length, stepsBefore) = ((request.LatentWidth + 1) * request.LatentHeight, engine.Load.StepCount);
        var (ids, first, timed) = (new List<int>(), 0L, 0);
        await foreach (var told in engine.Run(request))
        {
            if (told is EngineEvent.Failed failed)
                throw new InvalidOperationException(failed.Failure.Message);
            if (told is not EngineEvent.TokensGenerated tokens)
                continue;
            if (first == 0)
                first = Stopwatch.GetTimestamp();
            else
                timed += tokens.Ids.Length;
            ids.AddRange(tokens.Ids);
            if (ids.Count >= length)
                break; // the picture is not decoded
        }
        var seconds = Stopwatch.GetElapsedTime(first).TotalSeconds;
        while (engine.Load.RunningCount > 0)
            await Task.Yield(); // counted between steps
        return new PictureRun([.. ids.Take(length)], timed / seconds, engine.Load.StepCount - stepsBefore);
    }
}
