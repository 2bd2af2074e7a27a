using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>
/// When each lease of a shard was last heard of, by the activation's own monotonic clock: never stored, and begun anew with each activation.
/// </summary>
public sealed class LeaseClock(TimeProvider time)
{
    /// <summary>A lease not renewed for so long ends.</summary>
    public static TimeSpan Deadline { get; } = TimeSpan.FromSeconds(20);

    /// <summary>A worker that does not list an item so long after the grant never got it.</summary>
    public static TimeSpan GrantGrace { get; } = TimeSpan.FromSeconds(5);

    private readonly Dictionary<int, Entry> _leases = [];

    /// <summary>A lease begins, or is found running when the shard starts.</summary>
    public void Start(int item)
    {
        var now = time.GetTimestamp();
        _leases[item] = new(now, now, false, false, 0);
    }

    /// <summary>The lease has ended, however.</summary>
    public void Stop(int item) => _leases.Remove(item);

    /// <summary>The worker lists the item.</summary>
    public void Renew(HeldItem held)
    {
        if (_leases.TryGetValue(held.Item, out var lease))
        {
            _leases[held.Item] = lease with
            {
                HeardAt = time.GetTimestamp(),
                HasProgress = lease.HasProgress || held.TokenCount > held.ResumedCount,
                HasBegun = lease.HasBegun || !held.IsWaiting,
                TokenCount = held.TokenCount,
            };
        }
    }

    /// <summary>Whether the present lease generated any token of its own.</summary>
    public bool HasProgress(int item) => _leases.TryGetValue(item, out var lease) && lease.HasProgress;

    /// <summary>Whether the worker told that it has begun the item.</summary>
    public bool HasBegun(int item) => _leases.TryGetValue(item, out var lease) && lease.HasBegun;

    /// <summary>Since the lease was last heard of, and tokens as the worker then told; null when the item is not leased.</summary>
    public (TimeSpan HeardAgo, int TokenCount)? StandingOf(int item) =>
        _leases.TryGetValue(item, out var lease) ? (time.GetElapsedTime(lease.HeardAt), lease.TokenCount) : null;

    /// <summary>Whether a worker that does not list the item has had its time to get the grant.</summary>
    public bool IsPastGrace(int item) => _leases.TryGetValue(item, out var lease) && time.GetElapsedTime(lease.GrantedAt) > GrantGrace;

    /// <summary>Items whose deadline has passed.</summary>
    public IReadOnlyList<int> Expired() => [.. _leases.Where(lease => time.GetElapsedTime(lease.Value.HeardAt) > Deadline).Select(lease => lease.Key)];

    private readonly record struct Entry(long GrantedAt, long HeardAt, bool HasProgress, bool HasBegun, int TokenCount);
}
