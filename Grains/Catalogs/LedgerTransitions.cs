using System.Collections.Immutable;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Catalogs;

/// <summary>
/// Every decision about devices, as functions from state to state. A death blames nobody by itself: an item that kills whatever runs it leaves the
/// same trail as a device that kills whatever it runs, and one kill takes many items along. So a device is at fault only when the deaths of an hour
/// can't be laid on two items: whichever two one picks, a death remains at which neither was there. That takes three deaths and three items.
/// </summary>
public static class LedgerTransitions
{
    /// <summary>Deaths count together within this.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromHours(1);

    // A device that was last seen so long ago is gone, unless someone is still to look at it.
    private static readonly TimeSpan s_forgetAfter = TimeSpan.FromDays(2);

    // A shard may tell of a death only when it is active again, some restarts of the worker later.
    private const int WorkersOfDevice = 8;

    /// <summary>A worker is there on this device.</summary>
    public static LedgerState Seen(LedgerState state, string worker, string device, DateTimeOffset now)
    {
        var known = state.Devices.GetValueOrDefault(device) ?? new DeviceRecord();
        if (known.Workers.Contains(worker) && now - known.SeenAt < Memory) return state;
        var workers = known.Workers.Remove(worker).Add(worker);
        if (workers.Count > WorkersOfDevice) workers = workers.RemoveAt(0);
        var gone = state.Devices.Where(pair => pair.Key != device && pair.Value.Quarantine is null && now - pair.Value.SeenAt > s_forgetAfter).Select(pair => pair.Key);
        return state with { Devices = state.Devices.RemoveRange(gone).SetItem(device, known with { SeenAt = now, Workers = workers }) };
    }

    /// <summary>A worker died, and this item had got no token from it. A worker that no device is known for changes nothing.</summary>
    public static LedgerState DiedWith(LedgerState state, string worker, JobId job, int item, DateTimeOffset now)
    {
        var (device, record) = state.Devices.FirstOrDefault(pair => pair.Value.Workers.Contains(worker));
        if (device is null) return state;
        var name = $"{job}/{item}";
        var place = record.Deaths.FindIndex(death => death.Worker == worker);
        if (place >= 0 && record.Deaths[place].Items.Contains(name)) return state;
        var death = place >= 0 ? record.Deaths[place] : new DeviceDeath(worker, now, []);
        death = death with { Items = death.Items.Add(name) };
        var deaths = place >= 0 ? record.Deaths.SetItem(place, death) : record.Deaths.Add(death);

        // A device that is judged stays so, whatever time passes. But shards tell of a death item by item, and the item that explains it may come last.
        if (record.Quarantine is null) deaths = deaths.RemoveAll(other => (now - other.At).Duration() > Memory);
        record = record with { Deaths = deaths, Quarantine = ReasonFor(deaths) };
        return state with { Devices = state.Devices.SetItem(device, record) };
    }

    /// <summary>The device works: what it was suspected of is forgotten, and late tidings of earlier workers too.</summary>
    public static LedgerState Finished(LedgerState state, string device) =>
        state.Devices.GetValueOrDefault(device) is not { Quarantine: null } record || (record.Deaths.IsEmpty && record.Workers.Count <= 1)
        ? state
        : state with { Devices = state.Devices.SetItem(device, record with { Deaths = [], Workers = record.Workers.GetRange(record.Workers.Count - 1, 1) }) };

    /// <summary>Gives a device work again.</summary>
    public static LedgerState Release(LedgerState state, string device) =>
        state.Devices.GetValueOrDefault(device) is { } record && (record.Quarantine is not null || !record.Deaths.IsEmpty)
        ? state with { Devices = state.Devices.SetItem(device, record with { Deaths = [], Quarantine = null }) }
        : state;

    private static string? ReasonFor(ImmutableList<DeviceDeath> deaths)
    {
        var items = deaths.SelectMany(death => death.Items).Distinct().ToList();
        var canBeLaidOnTwo = items.Any(first =>
        {
            var rest = deaths.Where(death => !death.Items.Contains(first)).ToList();
            return rest.Count == 0 || rest[0].Items.Any(second => rest.TrueForAll(death => death.Items.Contains(second)));
        });
        return canBeLaidOnTwo
            ? null
            : $"{deaths.Count} workers died here within an hour, and {items.Count} different items had got no token from them.";
    }
}
