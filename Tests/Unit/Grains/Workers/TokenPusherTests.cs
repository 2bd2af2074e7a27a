using System.Reflection;
using System.Threading.Channels;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Workers;
using Emu3.Tests.Cluster;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu3.Tests.Unit.Grains.Workers;

[Trait("Suite", "Fast")]
public sealed class TokenPusherTests
{
    private readonly IJobShard _shard = DispatchProxy.Create<IJobShard, ShardThatListens>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;
    private ShardThatListens Shard => (ShardThatListens)_shard;

    [Fact]
    public async Task Item_ThatSomeoneBeginsToRead_IsPushedFromItsFirstTokenOn()
    {
        using var run = NewRun();
        var pusher = NewPusher(run);
        var pushing = pusher.RunAsync();
        run.Append([1, 2], null);
        Assert.Empty(Shard.Tokens);

        run.IsWatched = true;
        await Shard.HasAsync(2, Cancellation);
        run.Append([3], null);
        await Shard.HasAsync(3, Cancellation);
        Assert.Equal([1, 2, 3], Shard.Tokens);

        pusher.Stop();
        await pushing.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
    }

    [Fact]
    public async Task Item_ThatNobodyReads_EndsItsPusherAndIsNotPushed()
    {
        using var run = NewRun();
        var pusher = NewPusher(run);
        var pushing = pusher.RunAsync();
        run.Append([1, 2], null);
        pusher.Stop();
        await pushing.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
        await pusher.FlushAsync();

        Assert.Empty(Shard.Tokens);
    }

    private ItemRun NewRun() => TestJobs.Run(new() { Item = 0, Epoch = 1, Spec = TestJobs.Image(0, 2, 2) }, _shard);

    private static TokenPusher NewPusher(ItemRun run) =>
        new(run, new("127.0.0.1:1@1/cpu"), TimeSpan.FromMilliseconds(1), TimeProvider.System, NullLogger.Instance);

    /// <summary>Takes tokens and nothing else.</summary>
    public class ShardThatListens : DispatchProxy
    {
        private readonly Channel<int> _heard = Channel.CreateUnbounded<int>();

        public List<int> Tokens { get; } = [];

        /// <summary>Completes when it has so many.</summary>
        public async Task HasAsync(int count, CancellationToken cancellationToken)
        {
            while (await _heard.Reader.ReadAsync(cancellationToken).AsTask().WaitAsync(TimeSpan.FromMinutes(1), cancellationToken) < count) { }
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            if (targetMethod!.Name != nameof(IJobShard.Push)) throw new NotSupportedException(targetMethod.Name);
            var chunk = (TokenChunk)args![2]!;
            Tokens.RemoveRange(chunk.Offset, Tokens.Count - chunk.Offset);
            Tokens.AddRange(chunk.Tokens);
            _heard.Writer.TryWrite(Tokens.Count);
            return Task.FromResult(Tokens.Count);
        }
    }
}
