namespace Emu3.Grains.Workers;

/// <summary>Which bulk items give way to items that somebody waits for. No clock, no I/O.</summary>
public static class Preemption
{
    /// <summary>A bulk item that runs.</summary>
    /// <param name="Slots">That it would free.</param>
    /// <param name="TokenCount">Tokens that it has.</param>
    /// <param name="MaxTokens">Tokens that it will have at most.</param>
    public readonly record struct Candidate(int Slots, int TokenCount, int MaxTokens)
    {
        public double Progress => TokenCount / (double)Math.Max(1, MaxTokens);
    }

    /// <summary>
    /// The least advanced, and no more of them than are needed: indices into <paramref name="running"/>. An item that all of them together can't make
    /// room for takes nobody's place.
    /// </summary>
    /// <param name="running">Bulk items that run.</param>
    /// <param name="waitingSlots">Slots that each waiting item needs, in the order in which they will start.</param>
    /// <param name="freeSlots">Slots that are free, or about to be.</param>
    public static IReadOnlyList<int> Choose(IReadOnlyList<Candidate> running, IReadOnlyList<int> waitingSlots, int freeSlots)
    {
        var attainable = freeSlots + running.Sum(candidate => candidate.Slots);
        var wanted = 0;
        foreach (var slots in waitingSlots)
            if (wanted + slots <= attainable) wanted += slots;

        var missing = wanted - freeSlots;
        var chosen = new List<int>();
        foreach (var index in Enumerable.Range(0, running.Count).OrderBy(index => running[index].Progress).ThenBy(index => running[index].TokenCount))
        {
            if (missing <= 0) break;
            chosen.Add(index);
            missing -= running[index].Slots;
        }

        // The last may have freed so much that an earlier one need not go; of these the most advanced stays.
        for (var place = chosen.Count - 1; place >= 0; place--)
        {
            if (missing + running[chosen[place]].Slots > 0) continue;
            missing += running[chosen[place]].Slots;
            chosen.RemoveAt(place);
        }

        return chosen;
    }
}
