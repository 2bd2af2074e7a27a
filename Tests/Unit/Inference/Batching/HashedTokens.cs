using Emu3.Inference.Batching;
using Emu3.Inference.Tokens;

namespace Emu3.Tests.Unit.Inference.Batching;

/// <summary>
/// A decoder whose next token is a hash of everything before it, and now and then the one that would be guessed: a single wrong token in a cache that it reads
/// changes all that follow. Keeps the tokens that each slot was fed, by position, as a cache keeps keys.
/// </summary>
/// <param name="agreement">Out of 100 tokens, those that are the neighbour's, or what followed the same two tokens before.</param>
internal sealed class HashedTokens(int agreement)
{
    public const int EndOfSequence = 2;
    private const int FirstVisual = 100, VisualCount = 50, FirstWord = 3, WordCount = 12;

    private readonly Dictionary<int, int[]> slots = [];

    /// <summary>What a sequence alone gives.</summary>
    public int[] Alone(ISequenceRules rules, IReadOnlyList<int[]> prompts, ulong seed)
    {
        List<int> generated = [];
        while (generated.Count == 0 || !rules.IsEnd(generated.Count, generated[^1]))
            generated.Add(rules.ForcedAt(generated.Count) ?? Next(rules, [.. prompts.Select(prompt => (int[])[.. prompt, .. generated])], generated.Count, seed));
        return [.. generated];
    }

    /// <summary>Feeds all rows of a step, and draws.</summary>
    public int?[] Run(BatchPlan plan)
    {
        foreach (var row in plan.Rows)
            Slot(row.Slot)[row.Position] = row.Token;
        return [.. plan.Draws.Select(draw => (int?)Draw(plan, draw))];
    }

    /// <summary>A sequence has got a slot: what it held before is garbage.</summary>
    public void Clear(Sequence sequence)
    {
        foreach (var branch in sequence.Branches)
            Array.Fill(Slot(branch.Slot), -7);
    }

    private int Draw(BatchPlan plan, PlannedDraw draw)
    {
        int[] rows = draw.UnconditionalRow < 0 ? [draw.ConditionalRow] : [draw.ConditionalRow, draw.UnconditionalRow];
        return Next(draw.Sequence.Rules, [.. rows.Select(row => Slot(plan.Rows[row].Slot)[..(plan.Rows[row].Position + 1)])], draw.Index, draw.Sequence.Settings.Seed);
    }

    private int[] Slot(int slot) => slots.TryGetValue(slot, out var tokens) ? tokens : slots[slot] = new int[512];

    private int Next(ISequenceRules rules, int[][] prefixes, int index, ulong seed)
    {
        var hash = seed * 0x9E3779B97F4A7C15 + (ulong)index;
        foreach (var token in prefixes.SelectMany(prefix => prefix))
            hash = (hash ^ (uint)token) * 0x100000001B3;
        hash ^= hash >> 29;
        var (agrees, pick, prefix) = ((int)(hash % 100) < agreement, (int)(hash / 100 % 1_000_003), prefixes[0]);
        if (rules.IsVisual)
            return agrees && rules.NeighbourOf(index) is { } neighbour && prefix[^(index - neighbour)] is >= FirstVisual and var like ? like : FirstVisual + pick % VisualCount;
        for (var at = prefix.Length - 2; agrees && at >= 2; at--)
            if (prefix[at - 1] == prefix[^1] && prefix[at - 2] == prefix[^2])
                return prefix[at];
        return pick % 40 == 0 ? EndOfSequence : FirstWord + pick % WordCount;
    }
}
