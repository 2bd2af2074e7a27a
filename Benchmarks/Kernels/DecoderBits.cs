using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Emu3.Inference;
using Emu3.Inference.Batching;
using Emu3.Inference.Cpu;
using Emu3.Inference.Cpu.Kernels;
using Emu3.Inference.Model;
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
    /// <param name="windows">Of parallel decoding; null for one token of each sequence in each step.</param>
    /// <returns>SHA-256 in hex.</returns>
    public static string Hash(string model, ICpuKernels kernels, int threads, IWindowPolicy? windows = null)
    {
        var folder = ModelFolder.Open(model);
        var config = ConfigReader.Read(folder);
        using var files = CheckpointFiles.Open(folder);
        using var backend = CpuBackend.Load(files, config, new EngineOptions { Model = model, SlotCount = 3, Threads = threads }, kernels: kernels);
        var scheduler = new BatchScheduler(new SlotPool(3), prefillChunk: 17, windows ?? new SingleDraws());
        int[] Prompt(int from) => [.. Enumerable.Range(from, PromptLength).Select(i => i * 7919 % config.Tokens.FirstVisual)];
        var settings = new DrawSettings(new SamplingSettings(1.1, 50, 0.95), Seed: 7, GuidanceScale: 3);
        scheduler.Add(new Sequence(new ImageGrammar(2, 3, config.Tokens), [Prompt(1), Prompt(1000)], [], settings));
        scheduler.Add(new Sequence(new TextRules(-1, AnswerLength), [Prompt(2000)], [], settings));
        scheduler.Admit();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        while (scheduler.Plan() is { } plan)
        {
            List<byte[]> logits = [];
            var tokens = backend.Runner.Run(plan, (_, conditional, unconditional) =>
                logits.Add([.. MemoryMarshal.AsBytes(conditional), .. MemoryMarshal.AsBytes(unconditional)]));
            for (var i = 0; i < tokens.Length; i++)
            {
                hash.AppendData(logits[i]);
                hash.AppendData(BitConverter.GetBytes(tokens[i]!.Value));
            }
            scheduler.Commit(plan, tokens);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
