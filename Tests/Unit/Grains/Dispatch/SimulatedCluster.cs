using Emu3.Grains.Dispatch;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Workers;
using Emu3.Tests.Unit.Grains.Interfaces.Requests;

namespace Emu3.Tests.Unit.Grains.Dispatch;

/// <summary>
/// Workers, shards and the dispatcher's two books in virtual time: an item is a guided picture that takes one unit of time, a fifth more or less, and calls
/// take none. What the real ones decide by (<see cref="DispatchPlan"/>, <see cref="WorkerRoster"/>, <see cref="SlotBudget"/>) is the real thing.
/// </summary>
internal sealed class SimulatedCluster
{
    private const string Weights = "w";
    private const int SlotsOfItem = 2;

    private readonly DispatchPlan _plan;
    private readonly WorkerRoster _roster = new();
    private readonly Dictionary<WorkerId, Worker> _workers = [];
    private readonly Dictionary<(JobId, int), ShardOffer> _shards = [];
    private readonly PriorityQueue<(Worker Worker, string Tenant), double> _ends = new();
    private readonly Random _durations = new(11);
    private int _jobCount;

    public SimulatedCluster(int workerCount, SlotBudget budget, Func<string, double>? weightOf = null)
    {
        _plan = new DispatchPlan(weightOf ?? (_ => 1));
        for (var i = 0; i < workerCount; i++)
        {
            var id = new WorkerId($"silo/{i}");
            var info = new WorkerInfo
            {
                Id = id,
                Model = Cards.Released with { WeightsHash = Weights },
                SlotCount = budget.SlotCount,
                NumericClass = "",
                IsRowInvariant = true,
                Device = id.Value,
            };
            _workers[id] = new Worker(_roster.Add(info, TimeSpan.Zero), budget);
            Ask(_workers[id]);
        }
    }

    public double Now { get; private set; }

    /// <summary>Items that have ended, by tenant.</summary>
    public Dictionary<string, int> Ended { get; } = [];

    /// <summary>Items that workers were sent for, by tenant.</summary>
    public Dictionary<string, int> Granted { get; } = [];

    public void Submit(string tenant, int itemCount)
    {
        var job = new JobId($"job {_jobCount++}");
        for (var shard = 0; shard * JobId.ItemsInShard < itemCount; shard++)
        {
            Offer(new()
            {
                Job = job,
                Shard = shard,
                Tenant = tenant,
                WeightsHash = Weights,
                Priority = JobPriority.Normal,
                CreatedAt = DateTimeOffset.UnixEpoch.AddHours(Now),
                PendingCount = Math.Min(JobId.ItemsInShard, itemCount - (shard * JobId.ItemsInShard)),
            });
        }
    }

    /// <summary>Goes on until something holds after an item's end.</summary>
    public void RunUntil(Func<bool> isSo)
    {
        while (!isSo())
        {
            Assert.True(_ends.TryDequeue(out var ended, out var at), "The cluster stands still.");
            Now = at;
            Ended[ended.Tenant] = Ended.GetValueOrDefault(ended.Tenant) + 1;
            ended.Worker.RunningCount--;
            StartWaiting(ended.Worker);
            Ask(ended.Worker);
        }
    }

    private TimeSpan Time => TimeSpan.FromHours(Now);

    private void Offer(ShardOffer offer)
    {
        _shards[(offer.Job, offer.Shard)] = offer;
        _plan.Offer(offer);
        foreach (var woken in _roster.ToWake(Weights, false, _plan.PendingOf(Weights).Bulk, Time).ToList()) Ask(_workers[woken.Info.Id]);
    }

    private void Ask(Worker worker)
    {
        var (items, bulk) = worker.Budget.Wanted(SlotsOfItem * (worker.RunningCount + worker.Waiting.Count), 0);
        var pending = _plan.PendingOf(Weights);
        var most = _roster.Asks(worker.Known, new(items, bulk, 0), pending, Time);
        var hints = _plan.Next(Weights, most.Items, most.BulkItems);
        _roster.Given(worker.Known, hints.Sum(hint => hint.ItemCount), hints.Sum(hint => hint.ItemCount));
        foreach (var hint in hints)
        {
            var shard = _shards[(hint.Job, hint.Shard)];
            Granted[shard.Tenant] = Granted.GetValueOrDefault(shard.Tenant) + hint.ItemCount;
            for (var i = 0; i < hint.ItemCount; i++) worker.Waiting.Enqueue(shard.Tenant);
            Offer(shard with { PendingCount = shard.PendingCount - hint.ItemCount });
        }

        StartWaiting(worker);
    }

    private void StartWaiting(Worker worker)
    {
        while (worker.Waiting.Count > 0 && worker.Budget.CanStart(false, SlotsOfItem, SlotsOfItem * worker.RunningCount, 0))
        {
            worker.RunningCount++;
            _ends.Enqueue((worker, worker.Waiting.Dequeue()), Now + 0.8 + (0.4 * _durations.NextDouble()));
        }
    }

    private sealed class Worker(KnownWorker known, SlotBudget budget)
    {
        public KnownWorker Known { get; } = known;
        public SlotBudget Budget { get; } = budget;
        public Queue<string> Waiting { get; } = new();
        public int RunningCount { get; set; }
    }
}
