using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Microsoft.Extensions.Time.Testing;
using Orleans.Storage;

namespace Emu3.Tests.Unit.Grains.Jobs;

/// <summary>A shard's rows, its activations, its workers, its job's desired state, and all that was ever answered.</summary>
internal sealed class ShardWorld
{
    private readonly int _itemCount;
    private readonly OneThread _thread;
    private readonly FakeTimeProvider _time = new();
    private readonly SimulatedStore<ShardRow> _store;
    private readonly SimulatedStore<SettledRow> _settled;
    private readonly List<Activation> _activations = [];
    private readonly List<DesiredState> _orders = [DesiredState.First(JobPriority.Normal)];
    private readonly List<(WorkerId Worker, int Item, int Epoch)> _leases = []; // all that were ever answered: late calls use old ones
    private readonly Dictionary<(int Item, int Epoch), WorkerId> _granted = [];
    private ShardState _durable = ShardState.Empty;
    private int _nextGeneration = 1;
    private readonly WorkerId[] _workers;

    public ShardWorld(int itemCount, OneThread thread)
    {
        (_itemCount, _thread) = (itemCount, thread);
        _settled = new();
        _store = new(CheckWritten);
        _workers = [NewWorker(0), NewWorker(1), NewWorker(2)];
        Current.Watch(Current.Items.SealAsync(itemCount, _orders[0]), () => { });
        Current.EndWrites(WriteFate.Done);
        Assert.True(_durable.IsSealed);
    }

    private Activation Current
    {
        get
        {
            if (_activations.LastOrDefault() is { IsGone: false } current) return current;
            _activations.Add(new Activation(_store, _settled, _time, _thread));
            return _activations[^1];
        }
    }

    public void Step(int kind, int a, int b, int c)
    {
        var at = c < 8 || _activations.Count == 0 ? Current : _activations[a % _activations.Count]; // now and then one that lost its place
        if (at.IsGone) at = Current;
        var who = _workers[a % _workers.Length];
        var lease = _leases.Count == 0 ? (Worker: who, Item: b % _itemCount, Epoch: 1)
            : c < 6 ? _leases[^(1 + (b % Math.Min(_leases.Count, 12)))] : _leases[b % _leases.Count];
        switch (kind)
        {
            case < 18:
                at.Watch(at.Items.AcquireAsync(who, 1 + c), granted => Granted(who, granted));
                break;
            case < 42:
                at.Watch(at.Items.CompleteAsync(lease.Worker, lease.Item, lease.Epoch, Result(b)), reply => Replied(reply, lease.Item, ItemStatus.Done));
                break;
            case < 48:
                at.Watch(at.Items.FailAsync(lease.Worker, lease.Item, lease.Epoch, new(FailureCode.EngineFailed, $"failure {b}")), reply => Replied(reply, lease.Item, ItemStatus.Failed));
                break;
            case < 53:
                HeldItem[] told = [.. _leases.Where(one => one.Worker == lease.Worker).TakeLast(c).Select(one => new HeldItem(one.Item, one.Epoch, b, 5))];
                at.Watch(at.Items.HeartbeatAsync(lease.Worker, told), _ => { });
                break;
            case < 56:
                at.Watch(at.Items.ReleaseAsync(lease.Worker, [new HeldItem(lease.Item, lease.Epoch, 0, 0)]), () => { });
                break;
            case < 59:
                at.Watch(at.Items.SiloGoneAsync(who.Silo, c % 2 == 0), _ => { });
                if (c < 8) _workers[a % _workers.Length] = NewWorker(a % _workers.Length);
                break;
            case < 64:
                Order(b, c);
                break;
            case < 70:
                at.Watch(at.Items.ApplyAsync(_orders[c < 7 ? ^1 : b % _orders.Count]), () => { });
                break;
            case < 72:
                _time.Advance(LeaseClock.Deadline / 2);
                at.Watch(at.Items.TakeBackExpiredAsync(), _ => { });
                break;
            case < 76:
                at.Crash(isWritten: c % 2 == 0);
                break;
            case < 78:
                _activations.Add(new Activation(_store, _settled, _time, _thread)); // the others do not know that they are not the shard any more
                break;
            case < 81:
                at.EndWrite(c % 2 == 0 ? WriteFate.Lost : WriteFate.AnswerLost);
                break;
            default:
                _activations[b % _activations.Count].EndWrite(WriteFate.Done);
                break;
        }

        _thread.GoOn();
        foreach (var activation in _activations) activation.ThrowIfWrong();
        foreach (var activation in _activations.Where(activation => !activation.IsGone)) CheckTold(activation.Items.Durable);
    }

    /// <summary>In the end everything works: what has not ended is done.</summary>
    public void RunToTheEnd()
    {
        foreach (var activation in _activations.ToList()) activation.EndWrites(WriteFate.Done);
        foreach (var activation in _activations) activation.Crash(isWritten: false);
        if (_orders[^1].IsPaused) _orders.Add(_orders[^1] with { Revision = _orders[^1].Revision + 1, IsPaused = false });
        Settle(Current.Items.ApplyAsync(_orders[^1]));
        foreach (var silo in Current.Items.HolderSilos) Settle(Current.Items.SiloGoneAsync(silo, isSeen: true));
        while (!_durable.DesiredState.IsCancelled)
        {
            var grant = Current.Items.AcquireAsync(_workers[0], 7);
            Settle(grant);
            if (grant.Result.Count == 0) break;
            Granted(_workers[0], grant.Result);
            foreach (var (item, state) in grant.Result)
            {
                var report = Current.Items.CompleteAsync(_workers[0], item, state.Epoch, Result(item));
                Settle(report);
                Assert.Equal(ReportReply.Accepted, report.Result);
            }
        }

        Assert.Equal(_itemCount, _durable.Counts.Ended);
        Assert.Equal(_orders[^1], _durable.DesiredState);
    }

    private void Settle(Task call)
    {
        _thread.GoOn();
        Current.EndWrites(WriteFate.Done);
        Assert.True(call.IsCompletedSuccessfully, call.Exception?.ToString());
    }

    /// <summary>The job decides something; shards hear of it late, or never.</summary>
    private void Order(int choice, int c)
    {
        var last = _orders[^1];
        if (last.IsCancelled) return;
        _orders.Add((choice % 8) switch
        {
            0 or 1 => last with { Revision = last.Revision + 1, IsPaused = true },
            2 or 3 => last with { Revision = last.Revision + 1, IsPaused = false },
            4 or 5 => last with { Revision = last.Revision + 1, Attempt = last.Attempt + 1 },
            6 => last with { Revision = last.Revision + 1, Priority = JobPriority.High },
            _ => last with { Revision = last.Revision + 1, IsCancelled = c == 0 },
        });
    }

    /// <summary>Looks at every row that comes to be stored.</summary>
    private void CheckWritten(ShardRow row)
    {
        var was = _durable;
        var settled = OutcomePack.Unpack(_settled.Read().Row.Outcomes);
        Assert.True(settled.Length >= row.SettledCount, $"{row.SettledCount} have settled, and {settled.Length} are there");
        _durable = row.ToState(settled);
        Assert.Equal(_itemCount, _durable.Counts.Total);
        AssertBeginsWith(was.Outcomes, _durable.Outcomes);
        AssertBeginsWith(settled[..Math.Min(settled.Length, _durable.Outcomes.Length)], _durable.Outcomes);
        Assert.True(_durable.DesiredState.Revision >= was.DesiredState.Revision && _durable.DesiredState.Attempt >= was.DesiredState.Attempt);
        var ends = new int[_itemCount];
        foreach (var outcome in _durable.Outcomes) ends[outcome.Item]++;
        for (var item = 0; item < _itemCount; item++)
        {
            var state = _durable.Items[item];
            Assert.Equal(state.Status == ItemStatus.Running, state.Holder is not null);
            if (was.IsSealed) Assert.True(state.Epoch >= was.Items[item].Epoch);
            Assert.InRange(ends[item], 0, _durable.DesiredState.Attempt);
            if (state.HasEnded) Assert.Equal(state.Status, _durable.LastOutcomeOf(item)!.Status);
            else Assert.True(ends[item] < _durable.DesiredState.Attempt);
            if (_durable.DesiredState is { IsPaused: true, IsCancelled: false }) Assert.NotEqual(ItemStatus.Running, state.Status);
        }

        // Once done, or cancelled, an item never ends again.
        Assert.All(_durable.Outcomes.GroupBy(outcome => outcome.Item), ended => Assert.All(ended.SkipLast(1), outcome => Assert.Equal(ItemStatus.Failed, outcome.Status)));
    }

    /// <summary>What an activation tells, one that lost its place included, was the truth once.</summary>
    private void CheckTold(ShardState told)
    {
        if (!told.IsSealed) return;
        Assert.Equal(_itemCount, told.Counts.Total);
        AssertBeginsWith(told.Outcomes, _durable.Outcomes);
    }

    private void Granted(WorkerId worker, IReadOnlyList<(int Item, ItemState State)> granted)
    {
        foreach (var (item, state) in granted)
        {
            Assert.True(_granted.TryAdd((item, state.Epoch), worker), $"item {item} was leased twice in epoch {state.Epoch}");
            Assert.True(_durable.Items[item].Epoch >= state.Epoch);
            _leases.Add((worker, item, state.Epoch));
        }
    }

    private void Replied(ReportReply reply, int item, ItemStatus status)
    {
        var ended = _durable.Outcomes.Where(outcome => outcome.Item == item).Select(outcome => outcome.Status).ToList();
        if (reply == ReportReply.Accepted) Assert.Contains(status, ended);
        if (reply == ReportReply.Duplicate) Assert.NotEmpty(ended);
    }

    private static void AssertBeginsWith(IReadOnlyList<ShardOutcome> beginning, IReadOnlyList<ShardOutcome> all)
    {
        Assert.True(beginning.Count <= all.Count, $"{beginning.Count} outcomes were told, and {all.Count} are stored");
        for (var place = 0; place < beginning.Count; place++)
            Assert.Equal((beginning[place].Item, beginning[place].Result?.FileBytes, beginning[place].Failure), (all[place].Item, all[place].Result?.FileBytes, all[place].Failure));
    }

    private WorkerId NewWorker(int number) => new($"10.0.0.{number}:1@{_nextGeneration++}/cpu");

    private static ItemResult Result(int number) => new()
    {
        FileHash = [.. Enumerable.Repeat((byte)number, 32)],
        TokensHash = [.. Enumerable.Repeat((byte)(number + 1), 32)],
        FileBytes = number,
        PromptTokens = 7,
        GeneratedTokens = 75,
        ResumedTokens = number % 2,
        CameToItsEnd = true,
        IsReproducible = true,
        NumericClass = "class",
        MadeBy = $"node/{number % 3}",
    };

    /// <summary>One of those that take themselves for the shard.</summary>
    private sealed class Activation
    {
        private readonly SimulatedRow<ShardRow> _row;
        private readonly SimulatedRow<SettledRow> _settledRow;
        private readonly OneThread _thread;
        private bool _isCrashed;
        private Exception? _wrong;

        public Activation(SimulatedStore<ShardRow> store, SimulatedStore<SettledRow> settled, FakeTimeProvider time, OneThread thread)
        {
            (_row, _settledRow, _thread) = (new(store), new(settled), thread);
            Items = new ShardItems(_row, _settledRow, time, _ => IsGone = true);
            Assert.True(Items.LoadAsync().IsCompletedSuccessfully);
        }

        public ShardItems Items { get; }

        /// <summary>It gave up, or its process died: nobody gets through to it any more.</summary>
        public bool IsGone { get; private set; }

        /// <summary>An answer that comes is looked at; a call that fails says nothing.</summary>
        public void Watch<T>(Task<T> call, Action<T> answered) => _ = WatchAsync(call, answered);

        public void Watch(Task call, Action answered) => Watch(Answered(call), _ => answered());

        public void EndWrite(WriteFate fate)
        {
            if (_settledRow.IsWriting) _settledRow.End(fate);
            else if (_row.IsWriting) _row.End(fate);
            _thread.GoOn();
            ThrowIfWrong();
        }

        /// <exception cref="InvalidOperationException">An answer was not what it may be.</exception>
        public void ThrowIfWrong()
        {
            if (_wrong is { } wrong) throw new InvalidOperationException(wrong.ToString());
        }

        public void EndWrites(WriteFate fate)
        {
            while (_settledRow.IsWriting || _row.IsWriting) EndWrite(fate);
        }

        public void Crash(bool isWritten)
        {
            (_isCrashed, IsGone) = (true, true);
            _settledRow.Crash(isWritten);
            _row.Crash(isWritten);
        }

        private async Task WatchAsync<T>(Task<T> call, Action<T> answered)
        {
            T answer;
            try
            {
                answer = await call;
            }
            catch (Exception failed) when (failed is StateLostException or IOException or InconsistentStateException)
            {
                return;
            }

            if (_isCrashed) return;
            try
            {
                answered(answer);
            }
            catch (Exception wrong)
            {
                _wrong ??= wrong;
            }
        }

        private static async Task<bool> Answered(Task call)
        {
            await call;
            return true;
        }
    }
}
