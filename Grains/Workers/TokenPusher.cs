using Emu3.Grains.Interfaces;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Workers;

/// <summary>
/// Sends an item's tokens to its shard while someone reads them, one call at a time. The shard's answer says where to go on, so that
/// a lost call or a shard that forgot is made good by the next.
/// </summary>
public sealed partial class TokenPusher(ItemRun run, WorkerId worker, TimeSpan period, TimeProvider time, ILogger logger)
{
    private const int TokensInCall = 4096;
    private const int TriesAtEnd = 3;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _pushed;

    /// <summary>Pushes until <see cref="Stop"/>. Of an item that nobody reads, as most are, no clock runs.</summary>
    public async Task RunAsync()
    {
        await Task.WhenAny(run.Watched, _stopped.Task);
        while (!_stopped.Task.IsCompleted)
        {
            await Task.WhenAny(_stopped.Task, Task.Delay(period, time));
            if (run.IsWatched && _pushed < run.TokenCount && !_stopped.Task.IsCompleted) await PushAsync();
        }
    }

    /// <summary>No more pushes begin.</summary>
    public void Stop() => _stopped.TrySetResult();

    /// <summary>Pushes what is left before the item is reported, so that its readers have all of it.</summary>
    public async Task FlushAsync()
    {
        for (var tries = 0; run.IsWatched && _pushed < run.TokenCount && tries < TriesAtEnd;)
            if (!await PushAsync()) tries++;
    }

    private async Task<bool> PushAsync()
    {
        try
        {
            var has = await run.Home.Push(worker, run.Lease.Item, run.ChunkFrom(_pushed, TokensInCall));
            if (has < 0) run.Drop();
            var isForward = has > _pushed;
            _pushed = has < 0 ? int.MaxValue : has;
            return isForward;
        }
        catch (Exception failure)
        {
            LogNotPushed(failure, run.Name);
            return false;
        }
    }

    [LoggerMessage(LogLevel.Debug, "Tokens of {Item} could not be pushed; they are sent again.")]
    private partial void LogNotPushed(Exception failure, string item);
}
