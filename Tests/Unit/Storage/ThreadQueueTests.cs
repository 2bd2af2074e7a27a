using Emu3.Storage;

namespace Emu3.Tests.Unit.Storage;

[Trait("Suite", "Fast")]
public sealed class ThreadQueueTests
{
    private const int Count = 20_000;

    [Fact]
    public void Items_AreTakenInTheirOrder()
    {
        var queue = new ThreadQueue<int>();
        Assert.False(queue.TryTake(out _));
        for (var i = 0; i < 3; i++) Assert.True(queue.TryAdd(i));

        Assert.True(queue.TakeOrWait(out var first));
        Assert.True(queue.TryTake(out var second));
        Assert.Equal((0, 1), (first, second));
    }

    [Fact]
    public void Queue_ThatIsComplete_GivesWhatItHasAndNoMore()
    {
        var queue = new ThreadQueue<int>();
        queue.TryAdd(7);
        queue.Complete();

        Assert.False(queue.TryAdd(8));
        Assert.True(queue.TakeOrWait(out var last));
        Assert.Equal(7, last);
        Assert.False(queue.TakeOrWait(out _));
    }

    [Fact]
    public async Task EveryItem_IsTakenOnce_HoweverManyThreadsAddAndTake()
    {
        var queue = new ThreadQueue<int>();
        var takers = Enumerable.Range(0, 8).Select(_ => Threaded(() =>
        {
            var taken = new List<int>();
            while (queue.TakeOrWait(out var item)) taken.Add(item);
            return taken;
        })).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(adder => Threaded(() =>
        {
            for (var item = adder; item < Count; item += 4) queue.TryAdd(item);
            return true;
        })));
        queue.Complete();

        var all = (await Task.WhenAll(takers).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken)).SelectMany(taken => taken).Order();

        Assert.Equal(Enumerable.Range(0, Count), all);

        static Task<T> Threaded<T>(Func<T> work) => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }
}
