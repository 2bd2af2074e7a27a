using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Emu3.Inference;
using Emu3.Inference.Batching;
using Emu3.Inference.Cpu;
using Emu3.Inference.Cpu.Kernels;
using Emu3.Inference.Model;
using Emu3.Inference.Sampling;
using Emu3.Inference.Tokens;
using Emu3.Inference.Weights;

namespace Emu3.Benchmarks.Kernels;

/// <summary>One hash over logits and tokens of a few sequences that share their steps: equal on every processor, or a promise is broken.</summary>
internal static class DecoderBits
{
    private const int PromptLength = 40, AnswerLength = 8;

    /// <summary>Computes a guided picture of 2×3 cells and an answer of eight tokens behind prompts of arbitrary tokens.</summary>
    /// <param name="model">The checkpoint's folder.</param>
    /// <param name="kernels">That compute.</param>
    /// <param name="threads">Any number.</param>
    /// <returns>SHA-256 in hex.</returns>
    public static string Hash(string model, ICpuKernels kernels, int threads)
    {
        var folder = ModelFolder.Open(model);
        var config = ConfigReader.Read(folder);
        using var files = CheckpointFiles.Open(folder);
        using var backend = CpuBackend.Load(files, config, new EngineOptions { Model = model, SlotCount = 3, Threads = threads }, kernels);
        var scheduler = new BatchScheduler(new SlotPool(3), prefillChunk: 17);
        int[] Prompt(int from) => [.. Enumerable.Range(from, PromptLength).Select(i => i * 7919 % config.Tokens.FirstVisual)];
        scheduler.Add(new Sequence(new ImageGrammar(2, 3, config.Tokens), [Prompt(1), Prompt(1000)], []));
        scheduler.Add(new Sequence(new TextRules(-1, AnswerLength), [Prompt(2000)], []));
        scheduler.Admit();
        var sampler = new Sampler(config.Transformer.VocabularySize);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        while (scheduler.Plan() is { } plan)
        {
            var logits = backend.Runner.Run(plan);
            scheduler.Commit(plan, [.. plan.Draws.Select(draw => Draw(draw, logits.Of(draw.ConditionalRow), draw.UnconditionalRow < 0 ? [] : logits.Of(draw.UnconditionalRow)))]);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        int Draw(PlannedDraw draw, ReadOnlySpan<float> logits, ReadOnlySpan<float> unconditional)
        {
            hash.AppendData(MemoryMarshal.AsBytes(logits));
            hash.AppendData(MemoryMarshal.AsBytes(unconditional));
            var guided = unconditional.IsEmpty ? logits : sampler.Guide(logits, unconditional, 3);
            var first = draw.Sequence.Rules.IsVisual ? config.Tokens.FirstVisual : 0;
            var token = sampler.Draw(guided, first, new SamplingSettings(1.1, 50, 0.95), seed: 7, draw.Sequence.Generated.Count, 0)!.Value;
            hash.AppendData(BitConverter.GetBytes(token));
            return token;
        }
    }
}
