using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;

namespace Emu3.Grains.Dispatch;

/// <summary>See <see cref="IDispatcher"/>. Keeps nothing: a timer goes through the job index, and each job's shards offer again.</summary>
[Reentrant, KeepAlive]
public sealed partial class Dispatcher : Grain, IDispatcher
{
    private const int JobsAtOnce = 16;

    // The ledger forgets devices that are not seen for longer.
    private static readonly TimeSpan s_meetAgain = TimeSpan.FromHours(6);
    private readonly DispatcherOptions _options;
    private readonly TimeProvider _time;
    private readonly SiloMembers _members;
    private readonly ILogger<Dispatcher> _logger;
    private readonly DispatchPlan _plan;
    private readonly Dictionary<WorkerId, Worker> _workers = [];
    private readonly Dictionary<WorkerId, (LoadingWorker Worker, long HeardAt)> _loading = [];
    private readonly HashSet<ModelCard> _models = []; // that the catalog has
    private IReadOnlyDictionary<string, string> _quarantined = new Dictionary<string, string>();
    private bool _isInRound;

    public Dispatcher(IOptions<DispatcherOptions> options, TimeProvider time, SiloMembers members, ILogger<Dispatcher> logger)
    {
        (_options, _time, _members, _logger) = (options.Value, time, members, logger);
        _plan = new DispatchPlan(tenant => _options.TenantWeights.GetValueOrDefault(tenant, 1));
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        this.RegisterGrainTimer(RoundAsync, new GrainTimerCreationOptions(TimeSpan.Zero, _options.RoundPeriod) { Interleave = true, KeepAlive = true });
        return Task.CompletedTask;
    }

    public async Task Register(WorkerCard worker)
    {
        _loading.Remove(worker.Id);
        if (_workers.TryGetValue(worker.Id, out var known))
        {
            known.Card = worker with { Quarantine = _quarantined.GetValueOrDefault(worker.Device) };
            known.HeardAt = _time.GetTimestamp();
            return;
        }

        LogWorker(worker.Id, worker.Model.Name, worker.SlotCount);
        _workers[worker.Id] = known = new Worker { Card = worker with { Quarantine = _quarantined.GetValueOrDefault(worker.Device) }, HeardAt = _time.GetTimestamp() };
        await MeetAsync(known);
    }

    public Task Announce(LoadingWorker worker)
    {
        if (!_workers.ContainsKey(worker.Id)) _loading[worker.Id] = (worker, _time.GetTimestamp());
        return Task.CompletedTask;
    }

    public Task Unregister(WorkerId worker)
    {
        _workers.Remove(worker);
        return Task.CompletedTask;
    }

    // :: Step 3 Tells workers where work is, by priority and fairness.
    public Task<IReadOnlyList<WorkHint>> Next(WorkerId worker, int freeItemCount, int batchItemCount)
    {
        if (!_workers.TryGetValue(worker, out var known)) return Task.FromResult<IReadOnlyList<WorkHint>>([]);
        known.HeardAt = _time.GetTimestamp();
        if (known.Card.Quarantine is not null) return Task.FromResult<IReadOnlyList<WorkHint>>([]);
        var hints = _plan.Next(known.Card.Model.WeightsHash, freeItemCount, batchItemCount);
        known.IsHungry = hints.Sum(hint => hint.ItemCount) < freeItemCount;
        return Task.FromResult(hints);
    }

    public Task Offer(ShardOffer offer)
    {
        _plan.Offer(offer);
        var hungry = _workers.Values.Where(worker => worker is { IsHungry: true, Card.Quarantine: null } && worker.Card.Model.WeightsHash == offer.WeightsHash).Take(offer.PendingCount).ToList();
        foreach (var worker in hungry)
        {
            worker.IsHungry = false;
            _ = WakeAsync(worker.Card.Id); // one that is not reached asks by itself before long
        }

        return Task.CompletedTask;
    }

    public Task Wake() => ReadLedgerAsync();

    public Task<IReadOnlyList<WorkerCard>> GetWorkers()
    {
        ForgetSilentWorkers();
        return Task.FromResult<IReadOnlyList<WorkerCard>>([.. _workers.Values.Select(worker => worker.Card)]);
    }

    public Task<IReadOnlyList<LoadingWorker>> GetLoadingWorkers()
    {
        ForgetSilentWorkers();
        return Task.FromResult<IReadOnlyList<LoadingWorker>>([.. _loading.Values.Select(loading => loading.Worker)]);
    }

    private async Task RoundAsync(CancellationToken cancellationToken)
    {
        if (_isInRound) return;
        _isInRound = true;
        try
        {
            ForgetSilentWorkers();
            await ReadLedgerAsync();
            foreach (var worker in _workers.Values.Where(worker => !worker.IsMet || _time.GetElapsedTime(worker.MetAt) > s_meetAgain).ToList()) await MeetAsync(worker);
            for (var part = 0; part < IJobIndex.PartCount; part++)
            {
                foreach (var jobs in (await ListAsync(part)).Chunk(JobsAtOnce))
                    await Task.WhenAll(jobs.Select(ReconcileAsync));
            }
        }
        finally
        {
            _isInRound = false;
        }
    }

    /// <summary>Before a new worker gets its first hint: whether its device is quarantined. Its model becomes known to the cluster.</summary>
    private async Task MeetAsync(Worker worker)
    {
        try
        {
            worker.MetAt = _time.GetTimestamp();
            if (!_models.Contains(worker.Card.Model))
            {
                await GrainFactory.GetGrain<IModelCatalog>(0).Add(worker.Card.Model);
                _models.Add(worker.Card.Model);
            }

            await GrainFactory.GetGrain<IDeviceLedger>(0).Seen(worker.Card.Id, worker.Card.Device);
            worker.IsMet = true;
        }
        catch (Exception failure)
        {
            LogNotMet(failure, worker.Card.Id);
        }

        await ReadLedgerAsync();
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

        foreach (var worker in _workers.Values)
        {
            var reason = _quarantined.GetValueOrDefault(worker.Card.Device);
            if (worker.Card.Quarantine == reason) continue;
            worker.Card = worker.Card with { Quarantine = reason };
            if (reason is null) _ = WakeAsync(worker.Card.Id);
        }
    }

    private async Task<IReadOnlyList<JobId>> ListAsync(long part)
    {
        try
        {
            return await GrainFactory.GetGrain<IJobIndex>(part).List();
        }
        catch (Exception failure)
        {
            LogIndexNotRead(failure, part);
            return [];
        }
    }

    private async Task ReconcileAsync(JobId job)
    {
        try
        {
            await GrainFactory.GetGrain<IGenerationJob>(job.Value).Reconcile();
        }
        catch (Exception failure)
        {
            LogNotReconciled(failure, job);
        }
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

    private void ForgetSilentWorkers()
    {
        foreach (var (id, worker) in _workers.ToList())
        {
            if (_time.GetElapsedTime(worker.HeardAt) <= _options.WorkerSilence && !_members.IsGone(id.Silo)) continue;
            LogForgotten(id);
            _workers.Remove(id);
        }

        foreach (var (id, (_, heardAt)) in _loading.ToList())
            if (_time.GetElapsedTime(heardAt) > _options.WorkerSilence || _members.IsGone(id.Silo)) _loading.Remove(id);
    }

    private sealed class Worker
    {
        public required WorkerCard Card { get; set; }
        public long HeardAt { get; set; }

        /// <summary>Ledger and catalog know of it.</summary>
        public bool IsMet { get; set; }
        public long MetAt { get; set; }

        /// <summary>It got less than it asked for: an offer wakes it.</summary>
        public bool IsHungry { get; set; }
    }
}
