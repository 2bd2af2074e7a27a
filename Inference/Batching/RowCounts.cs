namespace Emu3.Inference.Batching;

/// <summary>Which row counts the self-test of row invariance tries, and what follows from those that failed.</summary>
public static class RowCounts
{
    /// <summary>Row counts whose multiples a pass may be padded to, the smallest first. All divide <see cref="Most"/>, the count that the others are compared with.</summary>
    public static IReadOnlyList<int> Floors { get; } = [4, 8, 16, 32, 64, Most];

    /// <summary>Rows of a pass at most.</summary>
    public const int Most = 128;

    /// <summary>
    /// Libraries choose a kernel by the row count, and change it where a tile is full: at powers of two, half way between them, and one floor behind. These are
    /// tried, not all.
    /// </summary>
    public static IReadOnlyList<int> Sampled { get; } = [.. Powers().SelectMany(power => new[] { power, power + Floors[0], power * 3 / 2 })
        .Append(Most - Floors[0]).Where(count => count <= Most && count % Floors[0] == 0).Distinct().Order()];

    /// <summary>The smallest floor none of whose sampled multiples failed; null when there is none.</summary>
    public static int? SmallestFloor(IReadOnlyCollection<int> failed) => Floors.Cast<int?>().FirstOrDefault(floor => failed.All(count => count % floor!.Value != 0));

    private static IEnumerable<int> Powers()
    {
        for (var power = Floors[0]; power <= Most; power *= 2)
            yield return power;
    }
}
