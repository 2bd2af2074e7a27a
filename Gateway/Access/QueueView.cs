using Emu3.Gateway.Cluster;

namespace Emu3.Gateway.Access;

/// <summary>How much waits in the cluster, as this gateway last saw it and has let in since: a second old at most.</summary>
internal sealed class QueueView(ClusterCalls cluster, WorkerRates rates) : IDisposable
{
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestRate = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _turn = new(1);
    private Dictionary<string, int> _waiting = [];
    private long? _readAt;
    private double _rate;
    private long? _rateAt;

    /// <summary>Lets items in if all bounds hold then; one caller after the other, so that two can't take the same place.</summary>
    /// <param name="tenant">Whose items.</param>
    /// <param name="count">Items.</param>
    /// <param name="most">All that may wait; null: any number.</param>
    /// <param name="mostOfTenant">All of the tenant that may wait; null: any number.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Null when they are let in; else how long it will take until there is room, null where that is not known, and whether the tenant's bound is what stands in the way.</returns>
    public async Task<(TimeSpan? Wait, bool IsOfTenant)?> Enter(string tenant, int count, int? most, int? mostOfTenant, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (!IsFresh(_readAt, s_longest))
            {
                var at = cluster.Time.GetTimestamp();
                _waiting = await cluster.Repeat(() => cluster.Dispatcher.GetWaiting(), cancellationToken);
                _readAt = at;
            }
            var own = _waiting.GetValueOrDefault(tenant);
            var (excess, excessOfTenant) = (_waiting.Values.Sum(waiting => (long)waiting) + count - most, own + (long)count - mostOfTenant);
            if (!(excess > 0) && !(excessOfTenant > 0))
            {
                _waiting[tenant] = own + count;
                return null;
            }
            if (!IsFresh(_rateAt, s_longestRate))
                (_rate, _rateAt) = (await rates.Measure(await cluster.Repeat(() => cluster.Dispatcher.GetWorkers(), cancellationToken), cancellationToken), cluster.Time.GetTimestamp());
            var tooMany = Math.Max(excess ?? 0, excessOfTenant ?? 0);
            return (_rate > 0 ? TimeSpan.FromSeconds(Math.Min(tooMany / _rate, 86_400)) : null, excessOfTenant > 0);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Items that were let in do not come after all.</summary>
    public async Task Leave(string tenant, int count)
    {
        await _turn.WaitAsync(CancellationToken.None);
        try
        {
            _waiting[tenant] = Math.Max(0, _waiting.GetValueOrDefault(tenant) - count);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private bool IsFresh(long? at, TimeSpan longest) => at is { } then && cluster.Time.GetElapsedTime(then) < longest;
}
