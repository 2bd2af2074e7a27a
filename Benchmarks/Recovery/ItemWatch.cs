using System.Globalization;
using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;

namespace Emu3.Benchmarks.Recovery;

/// <summary>Reads the tokens of one item as they come, and notices when they come from another lease.</summary>
internal sealed class ItemWatch
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);
    private readonly TaskCompletionSource _began = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _moved = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ItemWatch(IClusterClient grains, string job, int item, CancellationToken cancellationToken) =>
        _ = ReadAsync(grains.GetGrain<IJobShard>($"{job}/{(item / JobId.ItemsInShard).ToString(CultureInfo.InvariantCulture)}"), item, cancellationToken);

    /// <summary>Completes with its first token.</summary>
    public Task Began => _began.Task;

    /// <summary>Completes with the first token of another lease than the first.</summary>
    public Task Moved => _moved.Task;

    private async Task ReadAsync(IJobShard shard, int item, CancellationToken cancellationToken)
    {
        int? epoch = null;
        var offset = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await foreach (var chunk in shard.ReadTokens(item, offset, cancellationToken))
                {
                    if (chunk.Tokens.Length == 0) continue;
                    offset = chunk.Offset + chunk.Tokens.Length;
                    epoch ??= chunk.Epoch;
                    _began.TrySetResult();
                    if (chunk.Epoch != epoch) _moved.TrySetResult();
                }

                return;
            }
            catch (Exception interruption) when (ClusterCalls.IsTransient(interruption, CancellationToken.None))
            {
                await Task.Delay(s_pause, TimeProvider.System, CancellationToken.None); // and on from where it was
            }
        }
    }
}
