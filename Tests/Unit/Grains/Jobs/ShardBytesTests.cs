using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Microsoft.Extensions.Time.Testing;

namespace Emu3.Tests.Unit.Grains.Jobs;

/// <summary>What a shard costs its store.</summary>
[Trait("Suite", "Fast")]
public sealed class ShardBytesTests
{
    /// <summary>Eight workers with 64 items in flight between them; ten items end at a time and ten are leased, each with writes of their own.</summary>
    [Fact]
    public async Task Shard_OfWholeSize_WritesLessThanOneAndAHalfKilobyteForAnItem()
    {
        var (store, settled) = (new SimulatedStore<ShardRow>(), new SimulatedStore<SettledRow>());
        var (row, settledRow) = (new SimulatedRow<ShardRow>(store), new SimulatedRow<SettledRow>(settled) { IsPrompt = true });
        var items = new ShardItems(row, settledRow, new FakeTimeProvider(), failure => throw failure);
        await items.LoadAsync();
        await WrittenAsync(items.SealAsync(JobId.ItemsInShard, DesiredState.First(JobPriority.Normal)));
        var held = new Queue<(WorkerId Worker, int Item)>();
        var workers = Enumerable.Range(0, 8).Select(number => new WorkerId($"10.128.14.{number}:11111@154572225/cuda:0")).ToArray();
        var ended = 0;
        for (var turn = 0; ended < JobId.ItemsInShard; turn++)
        {
            while (held.Count < 64)
            {
                var grant = items.AcquireAsync(workers[turn++ % 8], 10);
                await WrittenAsync(grant);
                foreach (var (item, _) in await grant) held.Enqueue((workers[(turn - 1) % 8], item));
                if ((await grant).Count == 0) break;
            }

            // The first to end begins a write, the others share the next one.
            var reports = Enumerable.Range(0, Math.Min(10, held.Count)).Select(_ => held.Dequeue())
                .Select(lease => items.CompleteAsync(lease.Worker, lease.Item, 1, Result(lease.Item))).ToArray();
            await WrittenAsync(Task.WhenAll(reports));
            ended += reports.Length;
        }

        var bytes = (store.WrittenBytes + settled.WrittenBytes) / JobId.ItemsInShard;
        TestContext.Current.SendDiagnosticMessage("{0} bytes an item in {1} + {2} writes", bytes, store.WriteCount, settled.WriteCount);
        Assert.InRange(bytes, 100, 1500);

        async Task WrittenAsync(Task call)
        {
            while (row.IsWriting) row.End(WriteFate.Done);
            await call;
        }
    }

    /// <summary>
    /// 128 devices with an item each, and one more that waits: every two milliseconds an item ends and another is leased, none together with any other.
    /// </summary>
    [Fact]
    public void Shard_WhoseItemsEndOneByOne_WritesLessThanOneAndAHalfKilobyteForAnItem() => OneThread.Run(thread =>
    {
        const int deviceCount = 128;
        var time = new FakeTimeProvider();
        var (store, settled) = (new SimulatedStore<ShardRow>(), new SimulatedStore<SettledRow>());
        var items = new ShardItems(
            new SimulatedRow<ShardRow>(store) { IsPrompt = true }, new SimulatedRow<SettledRow>(settled) { IsPrompt = true }, time, failure => throw failure,
            new Throttle(ShardItems.WritePeriod, time));
        Assert.True(items.LoadAsync().IsCompletedSuccessfully);
        var calls = new List<Task> { items.SealAsync(JobId.ItemsInShard, DesiredState.First(JobPriority.Normal)) };
        for (var step = 0; step < JobId.ItemsInShard + deviceCount; step++)
        {
            if (step < JobId.ItemsInShard) calls.Add(items.AcquireAsync(Device(step), 1));
            if (step >= deviceCount) calls.Add(items.CompleteAsync(Device(step - deviceCount), step - deviceCount, 1, Result(step - deviceCount)));
            time.Advance(TimeSpan.FromMilliseconds(2));
            thread.GoOn();
        }

        time.Advance(ShardItems.WritePeriod);
        thread.GoOn();
        Assert.All(calls, call => Assert.True(call.IsCompletedSuccessfully));
        Assert.Equal(JobId.ItemsInShard, items.Durable.Counts.Done);
        var bytes = (store.WrittenBytes + settled.WrittenBytes) / JobId.ItemsInShard;
        TestContext.Current.SendDiagnosticMessage("{0} bytes an item in {1} + {2} writes", bytes, store.WriteCount, settled.WriteCount);
        Assert.InRange(bytes, 100, 1500);

        static WorkerId Device(int item) => new($"10.128.{item % deviceCount}.7:11111@154572225/cuda:0");
    });

    private static ItemResult Result(int number) => new()
    {
        FileHash = System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(number)),
        TokensHash = System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(~number)),
        FileBytes = 700_000 + number,
        PromptTokens = 120 + number,
        GeneratedTokens = 8193,
        CameToItsEnd = true,
        IsReproducible = true,
        ResumedTokens = number % 7 == 0 ? 4096 : 0,
        NumericClass = "emu3 0.1.0; libtorch 2.10.0+cu128; NVIDIA H100 80GB HBM3; sm_90; bfloat16; floor 16; weights 3f9a1c2b7d8e4f60",
        MadeBy = $"node-{number % 8}/cuda:0",
    };
}
