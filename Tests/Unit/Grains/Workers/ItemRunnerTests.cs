using System.Diagnostics.Metrics;
using System.Reflection;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Workers;
using Emu3.Storage.Blobs;
using Emu3.Tests.Cluster;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu3.Tests.Unit.Grains.Workers;

[Trait("Suite", "Fast")]
public sealed class ItemRunnerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public void Dispose()
    {
        _services.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Item_ThatIsDoneWhileNoControlSiloIsUp_IsReportedWhenOneIs()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var engine = new FakeEngine();
        var shard = ShardWithoutControl.Create(refusals: 3);
        using var run = TestJobs.Run(new() { Item = 0, Epoch = 1, Spec = TestJobs.Image(0, 2, 2), IsWatched = true }, shard);
        var runner = new ItemRunner(
            new("127.0.0.1:1@1/cpu"), "node/cpu", engine, new FolderBlobStore(_folder.FullPath), new(),
            new WorkerMetrics(_services.GetRequiredService<IMeterFactory>(), "fake"), TimeProvider.System, NullLogger.Instance);
        run.Start();

        var end = await runner.RunAsync(run, _ => Task.CompletedTask, _ => { }, cancellationToken).WaitAsync(TimeSpan.FromMinutes(1), cancellationToken);

        Assert.Equal(ItemRunner.End.Reported, end);
        Assert.Equal(0, ((ShardWithoutControl)shard).Refusals);
    }

    /// <summary>
    /// A shard as a worker silo finds it when all control silos are dead: the silo does not even know of the grain any more. After some refusals it is there
    /// and takes what it gets.
    /// </summary>
    public class ShardWithoutControl : DispatchProxy
    {
        public int Refusals { get; private set; }

        public static IJobShard Create(int refusals)
        {
            var shard = Create<IJobShard, ShardWithoutControl>();
            ((ShardWithoutControl)shard).Refusals = refusals;
            return shard;
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            if (Refusals > 0)
            {
                Refusals--;
                throw new ArgumentException("Could not find an implementation for interface emu3.IJobShard");
            }

            return targetMethod!.Name switch
            {
                nameof(IJobShard.Push) => Task.FromResult(((TokenChunk)args![2]!).Offset + ((TokenChunk)args[2]!).Tokens.Length),
                nameof(IJobShard.Complete) => Task.FromResult(ReportReply.Accepted),
                _ => throw new NotSupportedException(targetMethod.Name),
            };
        }
    }
}
