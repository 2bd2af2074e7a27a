using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Files;

/// <summary>See <see cref="IBatchQueue"/>.</summary>
public sealed class BatchQueue(TimeProvider time) : Grain, IBatchQueue
{
    private static readonly TimeSpan s_keep = TimeSpan.FromMinutes(3);
    private readonly Dictionary<BatchId, long> _offeredAt = [];

    public Task Offer(BatchId batch)
    {
        _offeredAt[batch] = time.GetTimestamp();
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<BatchId>> List()
    {
        foreach (var (batch, at) in _offeredAt.ToList())
            if (time.GetElapsedTime(at) > s_keep) _offeredAt.Remove(batch);
        return Task.FromResult<IReadOnlyList<BatchId>>([.. _offeredAt.Keys]);
    }
}
