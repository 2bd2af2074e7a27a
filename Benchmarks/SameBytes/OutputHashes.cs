using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Emu3.Inference;
using Emu3.Inference.Cpu;
using Emu3.Inference.Cpu.Kernels;
using Emu3.Inference.Cpu.Vision;
using Emu3.Inference.Engine;
using Emu3.Inference.Model;
using Emu3.Inference.Vision;
using Emu3.Inference.Weights;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu3.Benchmarks.SameBytes;

/// <summary>A hash for each request of the list, over all that it gives: ids, text, codes, pixels, and the bytes of PNG files.</summary>
internal static class OutputHashes
{
    /// <summary>Runs requests of the list in this process, with the kernels that its instructions allow.</summary>
    /// <param name="model">The checkpoint's folder.</param>
    /// <param name="requests">Their places in the list.</param>
    /// <param name="threads">That compute.</param>
    /// <param name="inFlight">Requests at once; more than one are handed in from the last.</param>
    /// <returns>SHA-256 in hex of each, in their order.</returns>
    /// <exception cref="InvalidOperationException">A request failed.</exception>
    public static async Task<string[]> ComputeAsync(string model, IReadOnlyList<int> requests, int threads, int inFlight)
    {
        var hashes = new ConcurrentDictionary<int, string>();
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        await using (var engine = await Emu3Engine.LoadAsync(
            new EngineOptions { Model = model, Threads = threads, SlotCount = 2 * inFlight }, NullLoggerFactory.Instance, services.GetRequiredService<IMeterFactory>()))
        {
            await Parallel.ForEachAsync(
                requests.Where(i => !RequestList.IsClip(i)).Index().OrderBy(request => inFlight == 1 ? request.Index : -request.Index), new ParallelOptions { MaxDegreeOfParallelism = inFlight },
                async (request, cancellationToken) => hashes[request.Item] = await HashAsync(engine, RequestList.Request(request.Item), cancellationToken));
        }
        HashClips(model, requests.Where(RequestList.IsClip), threads, hashes);
        return [.. requests.Select(i => hashes[i])];
    }

    /// <summary>One hash for many.</summary>
    public static string Together(IEnumerable<string> hashes) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join('\n', hashes))));

    private static async Task<string> HashAsync(IEngine engine, GenerationRequest request, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (generated, text) = (new List<int>(), new StringBuilder()); // how many tokens an event tells is no part of the output
        await foreach (var told in engine.Run(request, cancellationToken))
        {
            switch (told)
            {
                case EngineEvent.TokensGenerated { Ids: var ids, Pieces: var pieces }:
                    generated.AddRange(ids);
                    text.AppendJoin("", pieces ?? []);
                    break;
                case EngineEvent.PictureDecoded picture:
                    Append(hash, new Picture(picture.Width, picture.Height, picture.Rgb));
                    break;
                case EngineEvent.Failed { Failure: var failure }:
                    throw new InvalidOperationException($"Request {request.Id}: {failure.Message}");
            }
        }
        hash.AppendData(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(generated)));
        hash.AppendData(Encoding.UTF8.GetBytes(text.ToString()));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Each clip to codes and back.</summary>
    private static void HashClips(string model, IEnumerable<int> clips, int threads, ConcurrentDictionary<int, string> hashes)
    {
        var folder = ModelFolder.Open(model);
        var config = ConfigReader.Read(folder);
        using var files = CheckpointFiles.Open(folder);
        using var reader = new CpuWeightReader(files);
        using var computing = new CpuThreads(CpuKernels.Fastest, threads, heads: 1, headDim: 16);
        using var vision = new CpuVisionTokenizer(reader, config.Vision, config.Pixels, computing);
        foreach (var i in clips)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var frames = RequestList.Clip(i, config.Vision.TemporalFactor, config.Vision.SpatialFactor);
            var codes = vision.EncodeClip(Normalised(frames, config.Pixels), frames[0].Height, frames[0].Width);
            hash.AppendData(MemoryMarshal.AsBytes<int>(codes.Codes));
            foreach (var frame in vision.DecodeClip(codes))
                Append(hash, frame);
            hashes[i] = Convert.ToHexStringLower(hash.GetHashAndReset());
        }
    }

    private static void Append(IncrementalHash hash, Picture picture)
    {
        hash.AppendData(picture.Rgb);
        hash.AppendData(PictureFiles.Encode(picture, PictureFormat.Png));
    }

    private static float[] Normalised(Picture[] frames, PixelConfig pixels) // [T, 3, H, W]
    {
        var size = frames[0].Height * frames[0].Width;
        var values = new float[frames.Length * 3 * size];
        for (var at = 0; at < values.Length; at++)
        {
            var (frame, channel, pixel) = (at / (3 * size), at / size % 3, at % size);
            values[at] = (frames[frame].Rgb[3 * pixel + channel] / 255f - pixels.Mean[channel]) / pixels.Deviation[channel];
        }
        return values;
    }
}
