using CsCheck;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Microsoft.Extensions.Time.Testing;

namespace Emu3.Tests.Unit.Grains.Jobs;

/// <summary>
/// A job and its shards, whose messages come late, twice, out of order or never, while the job dies with decisions that were not written and begins
/// again with what was.
/// </summary>
[Trait("Suite", "Fast")]
public sealed class JobProtocolTests
{
    [Fact]
    public void AnyInterleaving_HasOneEndAnAttempt_WithTheTrueCounts() =>
        Gen.Select(Gen.Int[0, 99], Gen.Int[0, 999], Gen.Int[0, 9]).Array[5, 120].Sample(steps =>
        {
            var world = new JobWorld();
            foreach (var (kind, a, c) in steps) world.Step(kind, a, c);
            world.RunToTheEnd();
        }, iter: 1000);

    private sealed class JobWorld
    {
        private const int Total = JobId.ItemsInShard + 3;
        private static readonly JobId s_id = JobId.FromIdempotencyKey("t", "k");
        private static readonly WorkerId s_worker = new("10.0.0.1:1@1/cpu");
        private static readonly DateTimeOffset s_now = DateTimeOffset.UnixEpoch;
        private readonly FakeTimeProvider _time = new();
        private readonly ShardState[] _shards;
        private readonly List<(int Shard, ShardProgress Progress)> _tellings = [];
        private readonly HashSet<int> _endedAttempts = [];
        private JobState _job;
        private JobProgress _progress;

        public JobWorld()
        {
            _job = JobTransitions.Open(new(), s_id, new JobSpec
            {
                Tenant = "t",
                Model = "m",
                WeightsHash = "h",
                Priority = JobPriority.Normal,
                Seed = 1,
                CreatedAt = s_now,
                MaxFailures = 5,
            }, s_now);
            _shards = [.. Enumerable.Range(0, 2).Select(shard => ShardTransitions.Seal(ShardState.Empty, shard == 0 ? JobId.ItemsInShard : 3, _job.DesiredState))];
            _job = JobTransitions.Seal(_job, s_id, Total, "a");
            _progress = new JobProgress(_time, _job);
        }

        public void Step(int kind, int a, int c)
        {
            var shard = a % 2;
            switch (kind)
            {
                case < 8: Decide(state => JobTransitions.Pause(state, s_id), c); break;
                case < 20: Decide(state => JobTransitions.Resume(state, s_id, _progress.Counts.Failed), c); break;
                case < 34: Decide(state => JobTransitions.RetryFailed(state, s_id, _progress.Counts.Failed), c); break;
                case < 37: Decide(state => JobTransitions.SetPriority(state, s_id, (JobPriority)(1 + (a % 3))), c); break;
                case < 38: Decide(state => JobTransitions.Cancel(state, s_now), c); break;
                case < 50: Apply(shard); break;
                case < 75: Work(shard, a, c); break;
                case < 95 when _tellings.Count > 0: Hear(_tellings[a % _tellings.Count]); break;
                case < 97: Crash(); break;
                default: Reconcile(); break;
            }

            Assert.Equal(_job.Status == JobStatus.Paused, _job.PauseReason != PauseReason.None);
            Assert.Equal(_job.DesiredState.IsPaused, _job.Status == JobStatus.Paused || (_job.IsTerminal && _job.DesiredState.IsPaused));
            Assert.Equal(_job.IsTerminal, _job.EndedAt is not null);
            Assert.Equal(Total, _progress.Counts.Total);
        }

        /// <summary>Everything arrives from now on, and every item can be made.</summary>
        public void RunToTheEnd()
        {
            Reconcile();
            if (_job.Status == JobStatus.Paused) Become(JobTransitions.Resume(_job, s_id, _progress.Counts.Failed));
            Reconcile();
            for (var shard = 0; shard < 2; shard++) Work(shard, JobId.ItemsInShard, 0);
            Reconcile();
            Assert.True(_job.IsTerminal, $"{_job.Status}, {Truth}");
            Assert.Equal(Truth, _job.FinalCounts);
        }

        private ItemCounts Truth => _shards[0].Counts + _shards[1].Counts;

        /// <summary>An owner's verb: the job first hears its shards, as the grain does, and may die before its decision is written.</summary>
        private void Decide(Func<JobState, JobState> decide, int c)
        {
            if (_progress.Counts != Truth && c < 7) Reconcile();
            if (!_progress.IsOfAttempt(_job.DesiredState.Attempt)) Reconcile();
            try
            {
                var next = decide(_job);
                Assert.True(next.DesiredState.Revision - _job.DesiredState.Revision is 0 or 1 or 2);
                if (c == 9) Crash();
                else Become(next);
            }
            catch (InvalidJobVerbException)
            {
                Assert.True(_job.Status is JobStatus.Cancelling or JobStatus.Cancelled or JobStatus.Completed);
            }
        }

        private void Become(JobState next)
        {
            var was = _job;
            _job = next;
            if (was.IsTerminal && !next.IsTerminal) Assert.Equal((JobStatus.Completed, was.DesiredState.Attempt + 1), (was.Status, next.DesiredState.Attempt));
            if (was.IsTerminal || !next.IsTerminal) return;
            Assert.True(_endedAttempts.Add(next.DesiredState.Attempt), $"attempt {next.DesiredState.Attempt} ended twice");
            Assert.Equal(Total, Truth.Ended);
            Assert.Equal(Truth, next.FinalCounts);
        }

        private void Apply(int shard)
        {
            _shards[shard] = ShardTransitions.Apply(_shards[shard], _job.DesiredState);
            _tellings.Add((shard, Tell(shard)));
        }

        private void Work(int shard, int most, int c)
        {
            (_shards[shard], var granted) = ShardTransitions.Acquire(_shards[shard], s_worker, c > 6 ? 3 : most);
            if (c == 5) _tellings.Add((shard, Tell(shard)));
            foreach (var item in granted)
            {
                var epoch = _shards[shard].Items[item].Epoch;
                _shards[shard] = c > 3 && item % 40 == 1
                    ? ShardTransitions.Fail(_shards[shard], s_worker, item, epoch, new(FailureCode.EngineFailed, "x")).State
                    : ShardTransitions.Complete(_shards[shard], s_worker, item, epoch, Result()).State;
            }

            _tellings.Add((shard, Tell(shard)));
        }

        private void Hear((int Shard, ShardProgress Progress) telling)
        {
            if (!_job.IsTerminal && _progress.Update(telling.Shard, telling.Progress)) Progressed();
        }

        private void Progressed()
        {
            Become(JobTransitions.Progress(_job, _progress.Counts, _progress.ResumedCount, _progress.IsOfAttempt(_job.DesiredState.Attempt), s_now));
            if (_job.Status == JobStatus.Running && _progress.IsOfAttempt(_job.DesiredState.Attempt)) Assert.True(_progress.Counts.Failed - _job.ForgivenCount <= 5);
        }

        private void Reconcile()
        {
            for (var shard = 0; shard < 2; shard++)
            {
                _shards[shard] = ShardTransitions.Apply(_shards[shard], _job.DesiredState);
                _progress.Update(shard, Tell(shard));
            }

            Progressed();
        }

        private void Crash()
        {
            _progress = new JobProgress(_time, _job);
            Reconcile();
        }

        private ShardProgress Tell(int shard) => new(
            _shards[shard].Counts, _shards[shard].ResumedCount, _shards[shard].Outcomes.Length, false, _shards[shard].DesiredState.Revision, _shards[shard].DesiredState.Attempt);

        private static ItemResult Result() => new()
        {
            FileHash = new byte[32],
            TokensHash = new byte[32],
            FileBytes = 1,
            PromptTokens = 1,
            GeneratedTokens = 1,
            CameToItsEnd = true,
            IsReproducible = true,
            NumericClass = "class",
        };
    }
}
