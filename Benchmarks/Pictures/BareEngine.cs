using System.Diagnostics;
using Emu3.Inference;

namespace Emu3.Benchmarks.Pictures;

/// <summary>What a way of drawing gave.</summary>
/// <param name="ImagesPerSecond">Pictures, decoded.</param>
/// <param name="Passes">Forward passes for all of them.</param>
/// <param name="Tokens">Of each picture, in the order of the work.</param>
internal sealed record Drawn(double ImagesPerSecond, long Passes, IReadOnlyList<int[]> Tokens);

/// <summary>The engine alone: no grains, no gateway, no files.</summary>
internal static class BareEngine
{
    /// <summary>Draws pictures, all handed in at once: the engine's slots say how many are in flight.</summary>
    public static async Task<Drawn> DrawAsync(IEngine engine, int count, bool greedy)
    {
        var tokens = new int[count][];
        var stepsBefore = engine.Load.StepCount;
        var watch = Stopwatch.StartNew();
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = count }, async (i, cancellationToken) =>
        {
            var generated = new List<int>();
            var isDecoded = false;
            await foreach (var told in engine.Run(PictureWork.Request(engine.Model, i, greedy), cancellationToken))
            {
                switch (told)
                {
                    case EngineEvent.TokensGenerated chunk: generated.AddRange(chunk.Ids); break;
                    case EngineEvent.PictureDecoded: isDecoded = true; break;
                    case EngineEvent.Failed failed: throw new InvalidOperationException(failed.Failure.Message);
                }
            }
            if (!isDecoded)
                throw new InvalidOperationException($"Request {i} gave no picture.");
            tokens[i] = [.. generated];
        });
        return new Drawn(count / watch.Elapsed.TotalSeconds, engine.Load.StepCount - stepsBefore, tokens);
    }
}
