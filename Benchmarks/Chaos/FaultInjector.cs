using Emu3.Benchmarks.Processes;

namespace Emu3.Benchmarks.Chaos;

/// <summary>Does to a cluster what a plan says. A fault that lasts is undone later, while the next ones come.</summary>
/// <param name="cluster">The cluster.</param>
/// <param name="disk">Can be filled; null where that is not permitted.</param>
/// <param name="network">Can be cut; null where that is not permitted.</param>
/// <param name="database">Can be restarted; null where there is none.</param>
internal sealed class FaultInjector(ProcessCluster cluster, SmallDisk? disk, SiloNetwork? network, PostgresServer? database)
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);
    private readonly List<Task> _lasting = [];

    /// <summary>Returns when the fault has begun. A process that is about to be started again is waited for.</summary>
    public async Task InjectAsync(Fault fault, CancellationToken cancellationToken)
    {
        switch (fault.Kind)
        {
            case FaultKind.Kill:
                await HitAsync(fault, async process =>
                {
                    var isHit = process.IsRunning;
                    await process.KillAsync();
                    return isHit;
                }, cancellationToken);
                break;
            case FaultKind.Terminate:
                await HitAsync(fault, process => Task.FromResult(process.Terminate()), cancellationToken);
                break;
            case FaultKind.ShortFreeze or FaultKind.LongFreeze:
                await HitAsync(fault, process => Task.FromResult(process.Freeze()), cancellationToken);
                Later(fault.Duration, () => Task.Run(cluster[fault.Target].Thaw, CancellationToken.None));
                break;
            case FaultKind.KillAll:
                await cluster.KillAllAsync();
                break;
            case FaultKind.NetworkCut:
                await network!.CutAsync(fault.Target);
                Later(fault.Duration, () => network.MendAsync(fault.Target));
                break;
            case FaultKind.FullDisk:
                await disk!.FillAsync();
                Later(fault.Duration, disk.EaseAsync);
                break;
            case FaultKind.DatabaseRestart:
                await database!.RestartAsync();
                break;
        }
    }

    /// <summary>Waits until every fault that lasts was undone.</summary>
    public Task CalmAsync() => Task.WhenAll(_lasting);

    private async Task HitAsync(Fault fault, Func<ClusterProcess, Task<bool>> hit, CancellationToken cancellationToken)
    {
        while (!await hit(cluster[fault.Target])) await Task.Delay(s_look, TimeProvider.System, cancellationToken);
    }

    private void Later(TimeSpan duration, Func<Task> undo) => _lasting.Add(UndoAsync(duration, undo));

    private static async Task UndoAsync(TimeSpan duration, Func<Task> undo)
    {
        await Task.Delay(duration, TimeProvider.System);
        await undo();
    }
}
