using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;

namespace Emu3.Grains.Dispatch;

/// <summary>
/// See <see cref="IDispatcher"/>. Keeps nothing: rounds go through the job index, and each job's shards offer again; workers that it does not know register.
/// A second activation, as while a silo dies, does no harm: hints bind nobody.
/// </summary>
[Reentrant, KeepAlive]
public sealed partial class Dispatcher : Grain, IDispatcher
{
    private static readonly TimeSpan s_lookPeriod = TimeSpan.FromSeconds(2);

    // The ledger forgets devices that are not seen for longer.
    private static readonly TimeSpan s_meetAgain = TimeSpan.FromHours(6);

    // Asked in one look; the others in the next.
    private const int SilentShardsAtOnce = 64;

    private readonly DispatcherOptions _options;
    private readonly TimeProvider _time;
    private readonly SiloMembers _members;
    private readonly ClusterGauges _gauges;
    private readonly ILogger<Dispatcher> _logger;
    private readonly DispatchPlan _plan;
    private readonly WorkerRoster _roster = new();
    private readonly Dictionary<WorkerId, (LoadingWorker Worker, TimeSpan HeardAt)> _loading = [];
    private readonly HashSet<ModelInfo> _models = []; // that the catalog has
    private readonly long _start;
    private IReadOnlyDictionary<string, string> _quarantined = new Dictionary<string, string>();
    private Dictionary<string, double> _keyWeights = [];
    private KeyRingPage _keys = new(-1, []);
    private TimeSpan _roundDueAt;
    private bool _isInRound;

    public Dispatcher(IOptions<DispatcherOptions> options, TimeProvider time, SiloMembers members, ClusterGauges gauges, ILogger<Dispatcher> logger)
    {
        (_options, _time, _members, _gauges, _logger, _start) = (options.Value, time, members, gauges, logger, time.GetTimestamp());
        _plan = new DispatchPlan(WeightOf);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        this.RegisterGrainTimer(_ =>
        {
            Look();
            return Task.CompletedTask;
        }, new GrainTimerCreationOptions(TimeSpan.Zero, s_lookPeriod) { Interleave = true, KeepAlive = true });
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _gauges.WorkersStand([]);
        return Task.CompletedTask;
    }

    public async Task Register(WorkerInfo worker)
    {
        _loading.Remove(worker.Id);
        var isNew = !_roster.TryFind(worker.Id, out _);
        var known = _roster.Add(worker with { Quarantine = _quarantined.GetValueOrDefault(worker.Device) }, Now);
        if (!isNew) return;
        LogWorker(worker.Id, worker.Model.Name, worker.SlotCount);
        TellGauges();
        await MeetAsync(known);
    }

    public async Task Announce(LoadingWorker worker)
    {
        if (_roster.TryFind(worker.Id, out _)) return;
        _loading[worker.Id] = (worker, Now);
        try
        {
            if (worker.Info is { } model) await MakeKnownAsync(model);
        }
        catch (Exception failure)
        {
            LogNotMet(failure, worker.Id); // the next announcement, in two seconds, tries again
        }
    }

    public Task Unregister(WorkerId worker)
    {
        _roster.Remove(worker);
        _loading.Remove(worker);
        return Task.CompletedTask;
    }

    // :: Step 3 Tells workers where work is, by priority and fairness.
    public Task<WorkHints> Next(WorkerId worker, WorkerCapacity capacity)
    {
        if (!_roster.TryFind(worker, out var known)) return Task.FromResult(new WorkHints(false, [], TimeSpan.Zero));
        var weights = known.Info.Model.WeightsHash;
        var pending = _plan.PendingOf(weights);
        var (items, bulkItems) = _roster.Asks(known, capacity, pending, Now);
        var hints = _plan.Next(weights, items, bulkItems);
        _roster.Given(known, hints.Sum(hint => hint.ItemCount), pending.Bulk - _plan.PendingOf(weights).Bulk);
        return Task.FromResult(new WorkHints(true, hints, _roster.MinAskPeriod));
    }

    public Task Offer(ShardOffer offer)
    {
        _plan.Offer(offer);
        if (offer.PendingCount > 0) WakeFor(offer.WeightsHash, offer.Priority == JobPriority.Interactive);
        return Task.CompletedTask;
    }

    public Task Wake() => Task.WhenAll(ReadLedgerAsync(), ReadWeightsAsync());

    public Task<IReadOnlyList<WorkerInfo>> GetWorkers()
    {
        ForgetSilentWorkers();
        return Task.FromResult<IReadOnlyList<WorkerInfo>>([.. _roster.Workers.Select(worker => worker.Info)]);
    }

    public Task<IReadOnlyList<LoadingWorker>> GetLoadingWorkers()
    {
        ForgetSilentWorkers();
        return Task.FromResult<IReadOnlyList<LoadingWorker>>([.. _loading.Values.Select(loading => loading.Worker)]);
    }

    public Task<Dictionary<string, int>> GetWaiting() => Task.FromResult(_plan.PendingByTenant());

    private TimeSpan Now => _time.GetElapsedTime(_start);

    /// <summary>Comes by every two seconds: for workers that are gone, shards that fell silent, and the next round.</summary>
    private void Look()
    {
        ForgetSilentWorkers();
        TellGauges();
        foreach (var (job, shard) in _plan.Silent(SilentShardsAtOnce)) _ = AskAsync(job, shard);
        if (_isInRound || Now < _roundDueAt) return;
        _isInRound = true;
        _ = RoundAsync(); // logs what fails in it
    }

    private async Task RoundAsync()
    {
        try
        {
            await ReadLedgerAsync();
            await ReadWeightsAsync();
            foreach (var worker in _roster.Workers.Where(worker => worker.MetAt is null || Now - worker.MetAt > s_meetAgain).ToList()) await MeetAsync(worker);
            var isComplete = await new JobRounds(GrainFactory, _logger).GoAsync();
            _roundDueAt = isComplete ? Now + _options.RoundPeriod : Now;
        }
        finally
        {
            _isInRound = false;
        }
    }

    /// <summary>Before a new worker gets its first hint: whether its device is quarantined. Its model becomes known to the cluster.</summary>
    private async Task MeetAsync(KnownWorker worker)
    {
        try
        {
            await MakeKnownAsync(worker.Info.Model);
            await GrainFactory.GetGrain<IDeviceLedger>(0).Seen(worker.Info.Id, worker.Info.Device);
            worker.MetAt = Now;
        }
        catch (Exception failure)
        {
            LogNotMet(failure, worker.Info.Id);
        }

        await ReadLedgerAsync();
    }

    private async Task MakeKnownAsync(ModelInfo model)
    {
        if (_models.Contains(model)) return;
        await GrainFactory.GetGrain<IModelCatalog>(0).Add(model);
        _models.Add(model);
    }

    private async Task ReadLedgerAsync()
    {
        try
        {
            _quarantined = await GrainFactory.GetGrain<IDeviceLedger>(0).GetQuarantined();
        }
        catch (Exception failure)
        {
            LogLedgerNotRead(failure);
            return;
        }

        foreach (var worker in _roster.Workers)
        {
            var reason = _quarantined.GetValueOrDefault(worker.Info.Device);
            if (worker.Info.Quarantine == reason) continue;
            _roster.SetQuarantine(worker, reason);
            if (reason is null) _ = WakeAsync(worker.Info.Id);
        }
    }

    /// <summary>What keys say goes before what is configured.</summary>
    private double WeightOf(string tenant) => _keyWeights.TryGetValue(tenant, out var weight) ? weight : _options.TenantWeights.GetValueOrDefault(tenant, 1);

    private async Task ReadWeightsAsync()
    {
        try
        {
            _keys = await GrainFactory.GetGrain<IKeyRing>(0).ReadUnless(_keys.Version) ?? _keys;
            _keyWeights = KeyWeights.Of(_keys.Keys, _time.GetUtcNow()); // anew each time: keys expire
        }
        catch (Exception failure)
        {
            LogWeightsNotRead(failure);
        }
    }

    private void WakeFor(string weightsHash, bool isInteractive)
    {
        var (interactive, bulk) = _plan.PendingOf(weightsHash);

        // One that is not reached asks by itself before long.
        foreach (var worker in _roster.ToWake(weightsHash, isInteractive, isInteractive ? interactive : bulk, Now)) _ = WakeAsync(worker.Info.Id);
    }

    private async Task WakeAsync(WorkerId worker)
    {
        try
        {
            await GrainFactory.GetGrain<IModelWorker>(worker.Value).Wake();
        }
        catch (Exception failure)
        {
            LogNotWoken(failure, worker);
        }
    }

    /// <summary>It offers again what it has.</summary>
    private async Task AskAsync(JobId job, int shard)
    {
        try
        {
            await GrainFactory.GetGrain<IJobShard>(job.Shard(shard)).OfferAgain();
        }
        catch (Exception failure)
        {
            LogNotAsked(failure, job.Shard(shard));
        }
    }

    private void TellGauges() => _gauges.WorkersStand(
        _roster.Workers.Select(worker => (worker.Info.Model.Name, new WorkerCounts(worker.Info.Quarantine is null ? 1 : 0, 0)))
            .Concat(_loading.Values.Select(loading => (loading.Worker.Model, new WorkerCounts(0, 1)))));

    private void ForgetSilentWorkers()
    {
        var asking = 4 * _roster.MinAskPeriod;
        var silence = asking > _options.WorkerSilence ? asking : _options.WorkerSilence;
        foreach (var worker in _roster.Workers.Where(worker => Now - worker.HeardAt > silence || _members.IsGone(worker.Info.Id.Silo)).ToList())
        {
            LogForgotten(worker.Info.Id);
            _roster.Remove(worker.Info.Id);
        }

        foreach (var (id, (_, heardAt)) in _loading.ToList())
            if (Now - heardAt > _options.WorkerSilence || _members.IsGone(id.Silo)) _loading.Remove(id);
    }
}
