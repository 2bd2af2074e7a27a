using System.Collections.Frozen;
using System.Security.Cryptography;
using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Access;

/// <summary>
/// The key ring as this gateway last read it. What it says of a key is <see cref="s_longest"/> old at most, so that a revocation holds everywhere soon.
/// Its size is the ring's: keys that nobody has leave no trace, and cost the cluster at most one call in <see cref="s_shortest"/>, however many are tried.
/// </summary>
internal sealed class KnownKeys(ClusterCalls cluster)
{
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_shortest = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new();
    private volatile Reading? _last;
    private Task<Reading>? _reading;

    /// <summary>The key of that id and that hash, whether it still opens anything or not; null when there is none.</summary>
    public async ValueTask<ApiKey?> Find(string id, byte[] hash, CancellationToken cancellationToken) =>
        Match(await ReadSince(s_longest, cancellationToken), id, hash)
        // It may have been made, or got another secret, a moment ago, through another gateway.
        ?? Match(await ReadSince(s_shortest, cancellationToken), id, hash);

    /// <summary>All keys as they are now, oldest first.</summary>
    public async Task<IReadOnlyList<ApiKey>> ReadAll(CancellationToken cancellationToken) => (await ReadSince(TimeSpan.Zero, cancellationToken)).InOrder;

    /// <summary>The ring was changed through this gateway, which must not deny it.</summary>
    public void Forget() => _last = null;

    private static ApiKey? Match(Reading reading, string id, byte[] hash) =>
        reading.Keys.TryGetValue(id, out var key) && CryptographicOperations.FixedTimeEquals(key.SecretHash, hash) ? key : null;

    private async ValueTask<Reading> ReadSince(TimeSpan oldest, CancellationToken cancellationToken)
    {
        var now = cluster.Time.GetTimestamp();
        while (true)
        {
            // The age counts from the moment the reading was asked for.
            if (_last is { } last && (last.At >= now || cluster.Time.GetElapsedTime(last.At, now) < oldest)) return last;
            Task<Reading> reading;
            lock (_lock)
            {
                if (_reading is not { IsCompleted: false }) _reading = Read();
                reading = _reading;
            }
            var read = await reading.WaitAsync(cancellationToken);
            // One that was under way already may be too old for whoever wants to know exactly.
            if (read.At >= now || cluster.Time.GetElapsedTime(read.At, now) < oldest) return read;
        }
    }

    /// <summary>Not for one caller, so it ends with none.</summary>
    private async Task<Reading> Read()
    {
        await Task.Yield(); // outside of the lock
        var at = cluster.Time.GetTimestamp();
        var last = _last;
        var page = await cluster.Repeat(() => cluster.Grain<IKeyRing>(0).ReadUnless(last?.Version ?? -1), CancellationToken.None);
        var reading = page is null
            ? last! with { At = at }
            : new Reading(at, page.Version, page.Keys, page.Keys.ToFrozenDictionary(key => key.Id, StringComparer.Ordinal));
        _last = reading;
        return reading;
    }

    private sealed record Reading(long At, long Version, IReadOnlyList<ApiKey> InOrder, FrozenDictionary<string, ApiKey> Keys);
}
