using System.Collections.Concurrent;
using Emu3.Inference.Batching;
using Emu3.Inference.Model;
using Emu3.Inference.Sampling;
using TorchSharp;
using static TorchSharp.torch;

namespace Emu3.Inference.Engine;

/// <summary>A token to be drawn from logits on a device.</summary>
/// <param name="Logits">float32 [rows, allowed tokens]</param>
/// <param name="Conditional">The row whose logits decide.</param>
/// <param name="Unconditional">The row of the negative prompt's branch; −1 without guidance.</param>
/// <param name="FirstToken">Id of the first allowed token.</param>
/// <param name="Settings">How it is drawn.</param>
/// <param name="Index">Of the token among the generated ones of its sequence.</param>
internal readonly record struct DeviceDraw(Tensor Logits, int Conditional, int Unconditional, int FirstToken, DrawSettings Settings, int Index)
{
    public int Width => (int)Logits.size(1);
    public bool IsWide => CandidateSampler.IsWide(Settings.Sampling, Width);
}

/// <summary>
/// Draws tokens whose logits are on a device. Guidance, top-k and top-p run there, for all draws at once; what crosses to the host, in one piece, are the likeliest
/// tokens of each draw with their logits, and the host ends the draw exactly as <see cref="Sampler"/> does on all logits. Where that can't be proven
/// (docs/decisions/0016), the whole row is fetched.
/// </summary>
/// <param name="link">Takes numbers there and back.</param>
/// <param name="vocabularySize">Logits of a row at most.</param>
internal sealed class DeviceSampler(HostLink link, int vocabularySize)
{
    private const int NoisyCount = 1024;
    private static readonly Scalar Ambiguous = 1e-9; // of all probability: far above what the order of a sum in float64 changes

    private readonly ConcurrentBag<CandidateSampler> samplers = []; // those that no thread uses

    /// <summary>Draws whose whole row had to be fetched.</summary>
    public long WholeRowCount { get; private set; }

    /// <summary>One token for each draw; null where the logits hold NaN or +∞.</summary>
    public int?[] Draw(IReadOnlyList<DeviceDraw> draws)
    {
        if (draws.Count == 0)
            return [];
        using var scope = NewDisposeScope();
        // By handle: tensors are equal when their numbers are, and comparing these makes the host wait.
        var groups = Enumerable.Range(0, draws.Count).GroupBy(i => (draws[i].Logits.Handle, draws[i].Unconditional >= 0, draws[i].IsWide))
            .Select(group => new Group([.. group], draws)).ToArray();
        var parts = groups.Select(Compute).ToArray();
        var numbers = link.Receive(parts.Length == 1 ? parts[0] : cat(parts));
        var (places, start) = (new (Group Group, int At, int Start)[draws.Count], 0);
        foreach (var group in groups)
            for (var at = 0; at < group.Members.Length; at++, start += group.Size)
                places[group.Members[at]] = (group, at, start);
        var (tokens, isDecided) = (new int?[draws.Count], new bool[draws.Count]);
        // The device has nothing to do meanwhile.
        Parallel.For(0, draws.Count, TakeSampler, (i, _, sampler) =>
        {
            var (group, at, from) = places[i];
            isDecided[i] = TryEnd(sampler, draws[i], group, at, numbers.AsSpan(from, group.Size), out tokens[i]);
            return sampler;
        }, samplers.Add);
        for (var i = 0; i < tokens.Length; i++)
            if (!isDecided[i])
                tokens[i] = DrawFromRow(draws[i], places[i].Group.Logits.select(0, places[i].At));
        return tokens;
    }

    private CandidateSampler TakeSampler() => samplers.TryTake(out var sampler) ? sampler : new CandidateSampler(vocabularySize);

    /// <summary>Draws with the same logits, that need the same of them.</summary>
    private sealed class Group
    {
        public Group(int[] members, IReadOnlyList<DeviceDraw> draws)
        {
            (Members, Draws) = (members, [.. members.Select(i => draws[i])]);
            (Width, IsWide) = (Draws[0].Width, Draws[0].IsWide);
            CandidateCount = Draws.Max(draw => CandidateSampler.CountFor(draw.Settings.Sampling, Width));
            NoisyIndices = new int[IsWide ? NoisyCount * members.Length : 0];
            NoiseBeyond = new double[members.Length];
        }

        public int[] Members { get; }
        public DeviceDraw[] Draws { get; }
        public int Width { get; }
        public bool IsWide { get; }
        public int CandidateCount { get; }
        public int[] NoisyIndices { get; } // [draws·noisy]
        public double[] NoiseBeyond { get; }

        /// <summary>After guidance; float32 [draws, width]</summary>
        public Tensor Logits { get; set; } = null!;

        /// <summary>Numbers that cross for each draw: candidates, their indices; if wide, cut value and index, whether the cut is clear, noisy logits.</summary>
        public int Size => 2 * CandidateCount + (IsWide ? 3 + NoisyCount : 0);
    }

    /// <returns>float32 [draws · size]</returns>
    private Tensor Compute(Group group)
    {
        group.Logits = Guide(group);
        return (group.IsWide ? ComputeWide(group) : ComputeNarrow(group)).flatten();
    }

    /// <summary>u + s·(c − u), each operation rounded by itself as <see cref="Sampler.Guide"/> does.</summary>
    private Tensor Guide(Group group)
    {
        var (draws, logits) = (group.Draws, group.Draws[0].Logits);
        var hasGuidance = draws[0].Unconditional >= 0;
        long[] rows = [.. draws.Select(draw => (long)draw.Conditional), .. hasGuidance ? draws.Select(draw => (long)draw.Unconditional) : []];
        var chosen = logits.index_select(0, link.Send(rows));
        if (!hasGuidance)
            return chosen;
        var (conditional, unconditional) = (chosen.narrow(0, 0, draws.Length), chosen.narrow(0, draws.Length, draws.Length));
        var scale = link.Send(draws.Select(draw => draw.Settings.GuidanceScale).ToArray()).to(ScalarType.Float32).unsqueeze(1); // [draws, 1]
        return conditional.sub(unconditional).mul_(scale).add_(unconditional, Numbers.One);
    }

    private static Tensor ComputeNarrow(Group group)
    {
        var (values, indices) = group.Logits.topk(group.CandidateCount, -1, largest: true, sorted: true);
        return cat([values, indices.to(ScalarType.Float32)], 1);
    }

    private Tensor ComputeWide(Group group)
    {
        Parallel.For(0, group.Draws.Length, i =>
        {
            var draw = group.Draws[i];
            group.NoiseBeyond[i] = new NoisiestTokens().Find(
                group.NoisyIndices.AsSpan(i * NoisyCount, NoisyCount), group.Width, draw.FirstToken, draw.Settings.Seed, draw.Index, draw.Settings.SampleIndex);
        });
        double[] settings =
        [
            .. group.Draws.Select(draw => draw.Settings.Sampling.Temperature),
            .. group.Draws.Select(draw => draw.Settings.Sampling.TopP < 1 ? draw.Settings.Sampling.TopP : 2), // no sum reaches twice the whole
        ];
        var sent = link.Send(settings).view(2, -1, 1);
        var (temperature, topP) = (sent.select(0, 0), sent.select(0, 1)); // [draws, 1]
        var last = link.Send([.. group.Draws.Select(draw => (long)Math.Min(draw.Settings.Sampling.TopK > 0 ? draw.Settings.Sampling.TopK : group.Width, group.Width) - 1)]).unsqueeze(1);
        var noisy = link.Send([.. group.NoisyIndices.Select(index => (long)index)]).view(group.Draws.Length, NoisyCount);
        var (values, indices) = group.Logits.sort(-1, descending: true, stable: true); // equal ones by id
        var survives = values.ge(values.gather(1, last)); // top-k
        var quotients = values.to(ScalarType.Float64).div_(temperature);
        var weights = quotients.sub(quotients.narrow(1, 0, 1)).exp_().mul_(survives);
        var sums = weights.cumsum(1);
        var limit = sums.narrow(1, group.Width - 1, 1).mul(topP);
        var missing = sums.sub_(weights).sub_(limit); // of those before each token, to top-p
        var isClear = missing.abs().gt(limit.mul(Ambiguous)).all(1, keepdim: true); // not where there is NaN
        var cut = missing.lt(Numbers.Zero).logical_and(survives).sum(1, keepdim: true).sub_(Numbers.One).clamp_(min: Numbers.Zero); // the last survivor
        return cat([
            values.narrow(1, 0, group.CandidateCount), indices.narrow(1, 0, group.CandidateCount).to(ScalarType.Float32),
            values.gather(1, cut), indices.gather(1, cut).to(ScalarType.Float32), isClear.to(ScalarType.Float32), group.Logits.gather(1, noisy)], 1);
    }

    private static bool TryEnd(CandidateSampler sampler, DeviceDraw draw, Group group, int at, ReadOnlySpan<float> numbers, out int? token)
    {
        var (sampling, seed, sampleIndex, _) = draw.Settings;
        var count = group.CandidateCount;
        var candidates = new Candidates(group.Width, numbers[..count], numbers[count..(2 * count)]);
        if (!group.IsWide)
            return sampler.TryDraw(candidates, draw.FirstToken, sampling, seed, draw.Index, sampleIndex, out token);
        var wide = new WideFacts(
            numbers[2 * count], numbers[2 * count + 1], group.NoisyIndices.AsSpan(at * NoisyCount, NoisyCount), numbers[(2 * count + 3)..], group.NoiseBeyond[at]);
        return sampler.TryDrawWide(candidates, wide, draw.FirstToken, sampling, seed, draw.Index, sampleIndex, out token)
            && (numbers[2 * count + 2] == 1 || !float.IsFinite(numbers[0])); // the cut is clear
    }

    private int? DrawFromRow(DeviceDraw draw, Tensor row)
    {
        WholeRowCount++;
        var (sampling, seed, sampleIndex, _) = draw.Settings;
        return new Sampler(draw.Width).Draw(link.Receive(row), draw.FirstToken, sampling, seed, draw.Index, sampleIndex);
    }
}
