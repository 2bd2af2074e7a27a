namespace Emu3.Storage.Clocks;

/// <summary>
/// When the silos of a membership table last said that they live, by this process's clock. The table has the time of each silo's own clock, which may be an
/// hour off. A time that changes is a sign of life of now, whatever it says. A time that lies in the future and does not change belongs to a silo whose clock
/// was ahead when it died: without this, new silos would hold it for alive, and wait for its answer, until the clock reaches that time.
/// </summary>
/// <param name="time">This process's clock, which never goes back (<see cref="SteadyTime"/>).</param>
/// <param name="silence">
/// A silo that has said nothing for longer counts as silent, and whoever joins the cluster looks whether it answers. So does one whose time lies in the future
/// when it is seen first: if it lives, it answers, and says so again before long.
/// </param>
internal sealed class MemberTimes(TimeProvider time, TimeSpan silence)
{
    private static readonly TimeSpan s_more = TimeSpan.FromSeconds(1);
    private readonly Lock _lock = new();
    private readonly Dictionary<SiloAddress, Sight> _sights = [];

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
        if (!_sights.TryGetValue(entry.SiloAddress, out var sight)) sight = new(told, stamp, now >= told ? now - told : silence + s_more);
        else if (sight.Told != told) sight = new(told, stamp, TimeSpan.Zero);
        _sights[entry.SiloAddress] = sight;
        entry.IAmAliveTime = now - sight.Age - time.GetElapsedTime(sight.SeenAt, stamp);
        if (Utc(entry.StartTime) > entry.IAmAliveTime) entry.StartTime = entry.IAmAliveTime;
    }

    private void Forget(HashSet<SiloAddress> members)
    {
        foreach (var gone in _sights.Keys.Where(silo => !members.Contains(silo)).ToList()) _sights.Remove(gone);
    }

    /// <summary>PostgreSQL's driver gives times without a kind.</summary>
    private static DateTime Utc(DateTime told) => DateTime.SpecifyKind(told, DateTimeKind.Utc);

    /// <param name="Told">What the table said.</param>
    /// <param name="SeenAt">Timestamp at which it said so first.</param>
    /// <param name="Age">How old the sign of life was then.</param>
    private readonly record struct Sight(DateTime Told, long SeenAt, TimeSpan Age);
}
