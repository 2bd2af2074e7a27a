namespace Emu3.Storage.Clocks;

/// <summary>
/// When each silo last renewed its entry in the membership table (IAmAlive), by this process's clock. The table holds the time of each silo's own clock, which
/// may be an hour off. A time that changed means that the silo is alive now, whatever the time says. A time in the future that does not change belongs to a silo
/// whose clock was ahead when it died: without this class, new silos would take it for alive, and wait for its answer, until the clock reaches that time.
/// </summary>
/// <param name="time">This process's clock, which never goes back (<see cref="SteadyTime"/>).</param>
/// <param name="silence">
/// A silo that has not renewed its entry for longer counts as silent: a joining silo probes it. So does a silo whose time is in the future when it is first
/// read: if it is alive, it answers the probe and soon renews its entry.
/// </param>
internal sealed class MemberTimes(TimeProvider time, TimeSpan silence)
{
    private static readonly TimeSpan s_more = TimeSpan.FromSeconds(1);
    private readonly Lock _lock = new();
    private readonly Dictionary<SiloAddress, Observation> _observations = [];

    /// <summary>Puts this clock's times into what was read of the table: all of it, or the row of one silo.</summary>
    public MembershipTableData Translate(MembershipTableData table, bool isAll)
    {
        lock (_lock)
        {
            foreach (var (entry, _) in table.Members) Translate(entry);
            if (isAll) Forget([.. table.Members.Select(member => member.Item1.SiloAddress)]);
        }

        return table;
    }

    private void Translate(MembershipEntry entry)
    {
        if (entry.Status == SiloStatus.Dead) return;
        var told = Utc(entry.StartTime > entry.IAmAliveTime ? entry.StartTime : entry.IAmAliveTime);
        var (now, stamp) = (time.GetUtcNow().UtcDateTime, time.GetTimestamp());
        if (!_observations.TryGetValue(entry.SiloAddress, out var seen)) seen = new(told, stamp, now >= told ? now - told : silence + s_more);
        else if (seen.Told != told) seen = new(told, stamp, TimeSpan.Zero);
        _observations[entry.SiloAddress] = seen;
        entry.IAmAliveTime = now - seen.Age - time.GetElapsedTime(seen.SeenAt, stamp);
        if (Utc(entry.StartTime) > entry.IAmAliveTime) entry.StartTime = entry.IAmAliveTime;
    }

    private void Forget(HashSet<SiloAddress> members)
    {
        foreach (var gone in _observations.Keys.Where(silo => !members.Contains(silo)).ToList()) _observations.Remove(gone);
    }

    /// <summary>PostgreSQL's driver gives times without a kind.</summary>
    private static DateTime Utc(DateTime told) => DateTime.SpecifyKind(told, DateTimeKind.Utc);

    /// <param name="Told">What the table said.</param>
    /// <param name="SeenAt">Timestamp at which it said so first.</param>
    /// <param name="Age">How old the sign of life was then.</param>
    private readonly record struct Observation(DateTime Told, long SeenAt, TimeSpan Age);
}
