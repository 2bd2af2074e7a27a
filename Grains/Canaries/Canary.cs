using Emu3.Grains.Interfaces;
using Emu3.Grains.Workers;
using Emu3.Inference;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Canaries;

/// <summary>
/// Finds devices that compute wrongly and don't tell: an idle worker makes a picture of its numeric class again, rather one of another device, and compares
/// the tokens. At most one in a period. It holds no lease, writes nothing, and gives way to real work within a step.
/// </summary>
/// <param name="device">Of the worker, as its entry names it.</param>
/// <param name="engine">Its engine.</param>
/// <param name="board">Of its numeric class.</param>
/// <param name="period">Time between two pictures made again, and between two told to the board.</param>
/// <param name="isIdle">Whether the worker has nothing to do.</param>
/// <param name="engineEnded">Called when the engine ends under a picture.</param>
/// <param name="metrics">Counts what comes of it.</param>
/// <param name="time">Measures the period.</param>
/// <param name="logger">Of the worker.</param>
internal sealed partial class Canary(
    string device, IEngine engine, ICanaryBoard board, TimeSpan period, Func<bool> isIdle, Action<EngineStoppedException> engineEnded, WorkerMetrics metrics,
    TimeProvider time, ILogger logger)
{
    private const int LongestPrompt = 4096; // a board keeps many

    private readonly Lock _lock = new();
    private Action? _giveUp; // what it makes, while it makes one
    private Task _run = Task.CompletedTask;
    private long? _begunAt;
    private long? _postedAt;

    /// <summary>A shard has recorded an item. A picture that is all of this device's making is told to the board.</summary>
    public void Offer(string item, ItemSpec spec, ItemResult result)
    {
        if (spec.Image is not { } image || image.Prompt.Length + image.NegativePrompt.Length > LongestPrompt) return;
        if (!result.IsReproducible || result.ResumedTokens > 0) return;
        lock (_lock)
        {
            if (!IsDue(_postedAt)) return;
            _postedAt = time.GetTimestamp();
        }

        _ = PostAsync(new(item, spec, result.TokensHash, device));
    }

    /// <summary>Begins to make a picture again, if it is time and the worker is idle.</summary>
    public void Begin()
    {
        lock (_lock)
        {
            if (_giveUp is not null || !isIdle() || !IsDue(_begunAt)) return;
            _begunAt = time.GetTimestamp();
            _run = RunAsync();
        }
    }

    /// <summary>The worker has got work: what is being made again is given up.</summary>
    public void GiveWay()
    {
        lock (_lock) _giveUp?.Invoke();
    }

    /// <summary>Gives way; completes when the engine is free of it.</summary>
    public Task EndAsync()
    {
        GiveWay();
        return _run;
    }

    private bool IsDue(long? last) => last is not { } at || time.GetElapsedTime(at) >= period;

    private async Task RunAsync()
    {
        using var ending = new CancellationTokenSource();
        _giveUp = () => _ = ending.CancelAsync(); // what waits on the token does not run under the lock
        await Task.Yield();
        try
        {
            if (await board.Draw(device) is { } picture) await CompareAsync(picture, ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // It gave way.
        }
        catch (EngineStoppedException stopped)
        {
            engineEnded(stopped);
        }
        catch (Exception failure)
        {
            LogNotMade(failure, device);
        }
        finally
        {
            lock (_lock) _giveUp = null;
        }
    }

    private async Task CompareAsync(CanaryPicture picture, CancellationToken cancellationToken)
    {
        var tokens = new List<int>();
        var request = ItemRequests.From($"{picture.Item} again", picture.Spec, new Dictionary<string, byte[]>(), []);
        await foreach (var happened in engine.Run(request, cancellationToken))
        {
            if (happened is EngineEvent.TokensGenerated generated) tokens.AddRange(generated.Ids);
            if (happened is not EngineEvent.Failed failed) continue;
            LogRefused(picture.Item, picture.Device, device, failed.Failure.Message);
            return;
        }

        if (TokensHash.Of(tokens).AsSpan().SequenceEqual(picture.TokensHash))
        {
            metrics.CanaryMatched();
            LogSame(picture.Item, picture.Device, device);
        }
        else
        {
            metrics.CanaryDiffered();
            LogDifferent(picture.Item, picture.Device, device, engine.NumericClass.Text);
        }
    }

    private async Task PostAsync(CanaryPicture picture)
    {
        try
        {
            await board.Post(picture);
        }
        catch (Exception failure)
        {
            LogNotPosted(failure, picture.Item);
        }
    }

    [LoggerMessage(LogLevel.Error, "Item {Item} of device {Maker}, made again on {Device}, has other tokens; one of the two computes wrongly. Both are of the class {NumericClass}.")]
    private partial void LogDifferent(string item, string maker, string device, string numericClass);

    [LoggerMessage(LogLevel.Debug, "Item {Item} of device {Maker}, made again on {Device}, has the same tokens.")]
    private partial void LogSame(string item, string maker, string device);

    [LoggerMessage(LogLevel.Warning, "Item {Item} of device {Maker} could not be made again on {Device}: {Reason}")]
    private partial void LogRefused(string item, string maker, string device, string reason);

    [LoggerMessage(LogLevel.Warning, "No picture could be made again on {Device}.")]
    private partial void LogNotMade(Exception failure, string device);

    [LoggerMessage(LogLevel.Debug, "Item {Item} could not be told to its canary board; another will be.")]
    private partial void LogNotPosted(Exception failure, string item);
}
