namespace Emu3.Benchmarks.Chaos;

/// <summary>
/// Which faults come, upon whom, when, and for how long: a pure function of its seed and of what the cluster looks like. Several may overlap, upon
/// different processes; a process that is frozen or cut off by the plan is hit again only by SIGKILL. Faults that last for long leave the cluster some
/// time between them: while one lasts no silo can join, and a cluster that is never whole shows nothing.
/// </summary>
internal static class FaultPlan
{
    private static readonly Dictionary<FaultKind, double> s_weights = new()
    {
        [FaultKind.Kill] = 40,
        [FaultKind.Terminate] = 22,
        [FaultKind.ShortFreeze] = 20,
        [FaultKind.LongFreeze] = 6,
        [FaultKind.KillAll] = 2,
        [FaultKind.NetworkCut] = 6,
        [FaultKind.FullDisk] = 3,
        [FaultKind.DatabaseRestart] = 3,
    };

    private static readonly TimeSpan s_betweenLasting = TimeSpan.FromSeconds(15);

    /// <summary>The faults, as many as asked for.</summary>
    public static IEnumerable<Fault> Draw(int seed, int count, FaultPlanShape shape)
    {
        var random = new Random(seed);
        var kinds = s_weights.Where(kind => shape.Kinds.Contains(kind.Key)).ToList();
        var busyUntil = new Dictionary<string, TimeSpan>();
        var (now, lastingFrom) = (TimeSpan.Zero, TimeSpan.Zero);
        for (var number = 0; number < count; number++)
        {
            var gap = shape.MeanGap * (0.4 + (1.2 * random.NextDouble()));
            now += gap;
            var kind = DrawKind(random, now < lastingFrom ? [.. kinds.Where(kind => !IsLasting(kind.Key))] : kinds);
            var duration = Duration(random, kind);
            var candidates = Targets(shape, kind).Where(target => kind == FaultKind.Kill || busyUntil.GetValueOrDefault(target) <= now).ToList();
            if (candidates.Count == 0) (kind, duration, candidates) = (FaultKind.Kill, TimeSpan.Zero, [.. Targets(shape, FaultKind.Kill)]);
            var target = candidates[random.Next(candidates.Count)];
            if (duration > TimeSpan.Zero) busyUntil[target] = now + duration;
            if (IsLasting(kind)) lastingFrom = now + duration + s_betweenLasting;
            yield return new(kind, target, gap, duration);
        }
    }

    private static bool IsLasting(FaultKind kind) => kind is FaultKind.LongFreeze or FaultKind.NetworkCut;

    private static FaultKind DrawKind(Random random, List<KeyValuePair<FaultKind, double>> kinds)
    {
        var at = random.NextDouble() * kinds.Sum(kind => kind.Value);
        foreach (var (kind, weight) in kinds)
        {
            at -= weight;
            if (at < 0) return kind;
        }

        return kinds[^1].Key;
    }

    /// <summary>Whom a fault may hit; a process that stands twice is hit twice as often.</summary>
    private static IEnumerable<string> Targets(FaultPlanShape shape, FaultKind kind) => kind switch
    {
        FaultKind.Kill or FaultKind.Terminate or FaultKind.ShortFreeze or FaultKind.LongFreeze => [.. shape.Workers, .. shape.Workers, .. shape.Controls, .. shape.Gateways],
        FaultKind.NetworkCut => [.. shape.Workers, .. shape.Controls],
        FaultKind.FullDisk => ["disk"],
        FaultKind.DatabaseRestart => ["database"],
        _ => ["all"],
    };

    private static TimeSpan Duration(Random random, FaultKind kind)
    {
        var (least, most) = kind switch
        {
            FaultKind.ShortFreeze => (0.2, 3.0),
            FaultKind.LongFreeze => (14.0, 20.0), // silos are dead to the others after 12 s
            FaultKind.NetworkCut => (2.0, 14.0),
            FaultKind.FullDisk => (0.5, 4.0),
            _ => (0.0, 0.0),
        };
        return TimeSpan.FromSeconds(least + ((most - least) * random.NextDouble()));
    }
}

/// <summary>What a plan is drawn for.</summary>
internal sealed record FaultPlanShape
{
    public required IReadOnlyList<string> Controls { get; init; }
    public required IReadOnlyList<string> Workers { get; init; }
    public required IReadOnlyList<string> Gateways { get; init; }

    /// <summary>What may be done here.</summary>
    public required IReadOnlySet<FaultKind> Kinds { get; init; }

    /// <summary>Between two faults.</summary>
    public required TimeSpan MeanGap { get; init; }
}
