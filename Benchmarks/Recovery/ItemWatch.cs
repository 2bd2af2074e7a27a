using System.Globalization;
using Emu3.Grains.Interfaces;

namespace Emu3.Benchmarks.Recovery;

/// <summary>Reads the tokens of one item as they come, and notices when they come from another lease.</summary>
internal sealed class ItemWatch
{
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
        try
        {
            int? epoch = null;
            await foreach (var chunk in shard.ReadTokens(item, 0, cancellationToken))
            {
                if (chunk.Tokens.Length == 0) continue;
                epoch ??= chunk.Epoch;
                _began.TrySetResult();
                if (chunk.Epoch != epoch) _moved.TrySetResult();
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Seen enough.
        }
        catch (Exception failure)
        {
            _began.TrySetException(failure);
            _moved.TrySetException(failure);
        }
    }
}
