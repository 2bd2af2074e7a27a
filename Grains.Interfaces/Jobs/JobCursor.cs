using System.Globalization;
using System.Text;

namespace Emu3.Grains.Interfaces;

/// <summary>
/// How many outcomes of each shard a watcher has seen. Outcomes of a shard have a durable order, so the cursor means the same
/// after any crash. An item that was begun anew has an outcome for each attempt. Text form: counts separated by dots; several shards in a row with one count are written once, as <c>256x390</c>; a trailing run of
/// zeros is left out. It travels with every event: what grows with the job is only the shards that are begun and not yet done.
/// </summary>
[GenerateSerializer, Immutable, Alias("emu3.JobCursor")]
public sealed record JobCursor([property: Id(0)] IReadOnlyList<int> Seen)
{
    /// <summary>Shards that a text may speak of: what came from outside must not make us take any memory it likes.</summary>
    private const int MaxShards = 1 << 16;

    public static JobCursor Start { get; } = new([]);

    /// <summary>Outcomes seen of a shard.</summary>
    public int Of(int shard) => shard < Seen.Count ? Seen[shard] : 0;

    /// <summary>The cursor after one more outcome of a shard.</summary>
    public JobCursor Advance(int shard)
    {
        var seen = new int[Math.Max(Seen.Count, shard + 1)];
        for (var i = 0; i < Seen.Count; i++) seen[i] = Seen[i];
        seen[shard]++;
        return new(seen);
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        var end = Seen.Count;
        while (end > 0 && Seen[end - 1] == 0) end--;
        for (var (from, to) = (0, 0); from < end; from = to)
        {
            for (to = from + 1; to < end && Seen[to] == Seen[from]; to++) { }
            if (from > 0) text.Append('.');
            text.Append(CultureInfo.InvariantCulture, $"{Seen[from]}");
            if (to - from > 1) text.Append(CultureInfo.InvariantCulture, $"x{to - from}");
        }

        return text.ToString();
    }

    /// <summary>Reads the text form, also as it was when every count was written by itself; anything else is refused.</summary>
    public static bool TryParse(string? text, out JobCursor cursor)
    {
        cursor = Start;
        if (string.IsNullOrEmpty(text)) return text is not null;
        var seen = new List<int>();
        foreach (var run in text.Split('.'))
        {
            var parts = run.Split('x');
            if (parts.Length > 2 || !TryParse(parts[0], 0, int.MaxValue, out var count)) return false;
            var length = 1;
            if (parts.Length == 2 && !TryParse(parts[1], 1, MaxShards, out length)) return false;
            if (seen.Count + length > MaxShards) return false;
            seen.AddRange(Enumerable.Repeat(count, length));
        }

        cursor = new(seen);
        return true;
    }

    private static bool TryParse(string text, int least, int most, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= least && number <= most;
}
