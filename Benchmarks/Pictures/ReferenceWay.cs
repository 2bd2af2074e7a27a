using System.Diagnostics;
using System.Runtime.InteropServices;
using Emu3.Inference;
using Emu3.Inference.Batching;
using Emu3.Inference.Engine;
using Emu3.Inference.Model;
using Emu3.Inference.Sampling;
using Emu3.Inference.Tokens;
using Emu3.Inference.Vision;
using Emu3.Inference.Weights;
using static TorchSharp.torch;

namespace Emu3.Benchmarks.Pictures;

/// <summary>
/// The reference's way of drawing, on the same modules and threads: one picture at a time, one token a pass, the branches of guidance one after the
/// other, the head over the whole vocabulary, all four frames of the still decoded. With a cache, as the reference has one, and without the row floor.
/// </summary>
internal sealed class ReferenceWay : IDisposable
{
    private readonly LoadedModel model;
    private readonly VisionTokenizer vision;

    /// <summary>Loads the checkpoint on the calling thread, which is also to draw.</summary>
    public ReferenceWay(EngineOptions options)
    {
        TorchNative.EnsureLoaded();
        model = LoadedModel.Load(options, null, CancellationToken.None);
        // The reference's memory layout, which is also the faster one for its way of decoding.
        using var loader = WeightLoader.Open(ModelFolder.Open(options.Model), CPU);
        vision = VisionTokenizer.Load(loader, model.Config.Vision, model.Config.Pixels, channelsLast: false, processorKernels: false);
    }

    /// <summary>Draws pictures greedily, one after the other.</summary>
    public Drawn Draw(int count)
    {
        using var inference = inference_mode();
        var sampler = new Sampler(model.Config.Transformer.VocabularySize);
        var tokens = new int[count][];
        var passes = 0L;
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < count; i++)
        {
            var request = PictureWork.Request(model.Facts, i, greedy: true);
            var grammar = new ImageGrammar(request.LatentHeight, request.LatentWidth, model.Config.Tokens);
            tokens[i] = Generate(request, grammar, sampler, ref passes);
            vision.DecodeReferenceWay(grammar.Codes(tokens[i]), request.LatentHeight, request.LatentWidth);
        }
        return new Drawn(count / watch.Elapsed.TotalSeconds, passes, tokens);
    }

    private int[] Generate(ImageRequest request, ImageGrammar grammar, Sampler sampler, ref long passes)
    {
        int[][] prompts =
        [
            model.Prompts.Image(request.Prompt, request.LatentHeight, request.LatentWidth),
            model.Prompts.Image(request.NegativePrompt, request.LatentHeight, request.LatentWidth),
        ];
        var generated = new List<int>();
        var logits = new float[2][];
        while (!grammar.IsEnd(generated.Count, generated.LastOrDefault()))
        {
            for (var branch = 0; branch < 2; branch++)
            {
                logits[branch] = Pass(prompts[branch], generated, branch);
                passes++;
            }
            var (first, count) = (model.Config.Tokens.FirstVisual, model.Config.Tokens.VisualCount);
            var guided = sampler.Guide(logits[0], logits[1], request.GuidanceScale).Slice(first, count);
            generated.Add(grammar.ForcedAt(generated.Count) ?? sampler.Draw(guided, first, request.Sampling, request.Seed, generated.Count, 0)!.Value);
        }
        return [.. generated];
    }

    /// <summary>Feeds what is not in the cache yet: the prompt at first, then the last token.</summary>
    private float[] Pass(int[] prompt, List<int> generated, int slot)
    {
        using var scope = NewDisposeScope();
        PlannedRow[] rows = generated.Count == 0
            ? [.. prompt.Select((token, position) => new PlannedRow(token, position, slot))]
            : [new PlannedRow(generated[^1], prompt.Length + generated.Count - 1, slot)];
        Tensor? hidden = null;
        var last = 0;
        foreach (var chunk in rows.Chunk(Emu3Model.MaxRows))
        {
            var layout = RowLayout.Of(chunk);
            hidden = model.Decoder.Forward(layout, model.Cache, rowFloor: 1);
            last = layout.Order.ToList().IndexOf(chunk.Length - 1);
        }
        var computed = model.Decoder.Logits(hidden!, [last], visualOnly: false, rowFloor: 1).cpu();
        return MemoryMarshal.Cast<byte, float>(computed.bytes).ToArray();
    }

    public void Dispose()
    {
        vision.Dispose();
        model.Dispose();
    }
}
