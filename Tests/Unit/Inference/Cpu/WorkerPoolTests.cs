using Emu3.Inference.Cpu;

namespace Emu3.Tests.Unit.Inference.Cpu;

[Trait("Suite", "Fast")]
public sealed class WorkerPoolTests
{
    /// <summary>Many short calls: a thread that comes late to one call must not take a part of the next.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Run_ManyShortCalls_RunsEveryPartOnce(int threads)
    {
        using var pool = new WorkerPool(threads);
        var runs = new int[64];
        for (var call = 1; call <= 20_000; call++)
        {
            var count = call * 7 % runs.Length;
            Array.Clear(runs);
            pool.Run(count, (part, worker) =>
            {
                Assert.InRange(worker, 0, threads - 1);
                Interlocked.Increment(ref runs[part]);
            });
            for (var part = 0; part < runs.Length; part++)
                if (runs[part] != (part < count ? 1 : 0))
                    Assert.Fail($"call {call}: part {part} of {count} ran {runs[part]} times");
        }
    }

    /// <summary>Whichever thread it happens on: the caller learns of it when no part runs any more, and the pool goes on.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void Run_PartThatThrows_IsThrownToTheCallerOnceAllPartsHaveEnded(int threads)
    {
        using var pool = new WorkerPool(threads);
        for (var call = 0; call < 500; call++)
        {
            var ended = 0;
            var bad = call % 16;
            var thrown = Assert.Throws<InsufficientMemoryException>(() => pool.Run(16, (part, _) =>
            {
                Interlocked.Increment(ref ended);
                if (part == bad) throw new InsufficientMemoryException($"part {part}");
            }));
            Assert.Equal(($"part {bad}", 16), (thrown.Message, ended));
            pool.Run(16, (_, _) => Interlocked.Increment(ref ended));
            Assert.Equal(32, ended);
        }
    }

    [Fact]
    public async Task Run_AfterARest_WakesThreadsThatParked()
    {
        using var pool = new WorkerPool(2);
        for (var turn = 0; turn < 5; turn++)
        {
            await Task.Delay(WorkerPool.SpinTime * 40, TestContext.Current.CancellationToken);
            // Each part waits for the other: one thread alone would never end.
            using var together = new Barrier(2);
            pool.Run(2, (_, _) => together.SignalAndWait(TestContext.Current.CancellationToken));
        }
    }

    /// <summary>A part that takes long is waited for without a spinning processor.</summary>
    [Fact]
    public async Task Run_PartTakesLong_IsAwaited()
    {
        using var pool = new WorkerPool(2);
        using var gate = new SemaphoreSlim(0);
        var (ran, began) = (0, new TaskCompletionSource());
        var call = Task.Run(() => pool.Run(2, (_, worker) =>
        {
            if (worker == 1)
            {
                began.TrySetResult();
                gate.Wait(TestContext.Current.CancellationToken);
            }
            else
            {
                began.Task.Wait(TestContext.Current.CancellationToken); // leaves the other part to the other thread
            }
            Interlocked.Increment(ref ran);
        }), TestContext.Current.CancellationToken);
        await began.Task;
        Assert.False(call.IsCompleted);
        gate.Release(2);
        await call;
        Assert.Equal(2, ran);
    }
}
