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
    private readonly Emu3Config config;
    private readonly ModelFacts facts;
    private readonly PromptTemplate prompts;
    private readonly Emu3Model decoder;
    private readonly KvCache cache;
    private readonly VisionTokenizer vision;

    /// <summary>Loads the checkpoint on the calling thread, which is also to draw.</summary>
    /// <param name="path">Its folder.</param>
    public ReferenceWay(string path)
    {
        TorchNative.EnsureLoaded();
        set_num_threads(Environment.ProcessorCount);
        var folder = ModelFolder.Open(path);
        config = ConfigReader.Read(folder);
        facts = CheckpointFacts.Read(path, vision: null);
        prompts = new PromptTemplate(TextTokenizer.Load(folder), config.Tokens, ChatTemplate.Read(folder));
        using var loader = WeightLoader.Open(folder, CPU);
        decoder = new Emu3Model(config.Transformer, config.Tokens, TransformerWeights.Load(loader, config.Transformer, ScalarType.Float32), Emu3Model.Linear);
        cache = new KvCache(config.Transformer, config.Transformer.LayerCount, slotCount: 2, config.Transformer.MaxPositions, ScalarType.Float32, CPU);
        // The reference's memory layout, which is also the faster one for its way of decoding.
        vision = VisionTokenizer.Load(loader, config.Vision, config.Pixels, channelsLast: false, processorKernels: false);
    }

    /// <summary>Draws pictures greedily, one after the other.</summary>
    public Drawn Draw(int count)
    {
        using var inference = inference_mode();
        var sampler = new Sampler(config.Transformer.VocabularySize);
        var tokens = new int[count][];
        var passes = 0L;
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < count; i++)
        {
            var request = PictureWork.Request(facts, i, greedy: true);
            var grammar = new ImageGrammar(request.LatentHeight, request.LatentWidth, config.Tokens);
            tokens[i] = Generate(request, grammar, sampler, ref passes);
            vision.DecodeReferenceWay(grammar.Codes(tokens[i]), request.LatentHeight, request.LatentWidth);
        }
        return new Drawn(count / watch.Elapsed.TotalSeconds, passes, tokens);
    }

    private int[] Generate(ImageRequest request, ImageGrammar grammar, Sampler sampler, ref long passes)
    {
        int[][] branches =
        [
            prompts.Image(request.Prompt, request.LatentHeight, request.LatentWidth),
            prompts.Image(request.NegativePrompt, request.LatentHeight, request.LatentWidth),
        ];
        var generated = new List<int>();
        var logits = new float[2][];
        while (!grammar.IsEnd(generated.Count, generated.LastOrDefault()))
        {
            for (var branch = 0; branch < 2; branch++)
            {
                logits[branch] = Pass(branches[branch], generated, branch);
                passes++;
            }
            var (first, count) = (config.Tokens.FirstVisual, config.Tokens.VisualCount);
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
            hidden = decoder.Forward(chunk, cache, rowFloor: 1);
            last = chunk.Length - 1;
        }
        var computed = decoder.Logits(hidden!, [last], visualOnly: false, rowFloor: 1).cpu();
        return MemoryMarshal.Cast<byte, float>(computed.bytes).ToArray();
    }

    public void Dispose()
    {
        vision.Dispose();
        cache.Dispose();
        decoder.Dispose();
    }
}
