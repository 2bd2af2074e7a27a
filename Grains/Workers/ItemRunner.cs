using System.Security.Cryptography;
using System.Text;
using Emu3.Grains.Interfaces;
using Emu3.Inference;
using Emu3.Inference.Vision;
using Emu3.Storage.Blobs;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Workers;

/// <summary>Takes one leased item from its resume point to the shard's answer: resume, run, store the file, report.</summary>
public sealed partial class ItemRunner(
    WorkerId worker, string device, IEngine engine, IBlobStore blobs, WorkerOptions options, WorkerMetrics metrics, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(2);
    private readonly BlobRetry _patience = new(metrics, time, logger);

    /// <summary>How an item left the worker.</summary>
    public enum End { Reported, Dropped, GivenBack }

    /// <summary>Runs the item. What goes wrong with it becomes its failure; only the engine's end is thrown.</summary>
    /// <param name="run">The item.</param>
    /// <param name="begins">Awaited before a suspect begins: its shard is told, so that a death from here on counts in full.</param>
    /// <param name="changed">Called when slots are freed or soon will be, and when a suspect makes progress.</param>
    /// <param name="cancellationToken">The worker stops without waiting: nothing is reported any more.</param>
    /// <exception cref="EngineStoppedException">The engine has ended.</exception>
    public async Task<End> RunAsync(ItemRun run, Func<ItemRun, Task> begins, Action<ItemRun> changed, CancellationToken cancellationToken)
    {
        using var span = ItemTraces.Start(run);
        var resumePoints = new ResumePointWriter(run, engine.NumericClass.Text, blobs, options, metrics, time, logger);
        var pusher = new TokenPusher(run, worker, options.PushPeriod, time, logger);
        Task? pushes = null;
        try
        {
            run.Begin(await _patience.RetryAsync(run, resumePoints.ReadAsync, cancellationToken));
            if (run.ResumedCount > 0) metrics.ItemResumed();
            ItemTraces.Resumed(span, run.ResumedCount);
            var pictures = await _patience.RetryAsync(run, () => ReadPicturesAsync(run.Lease.Spec), cancellationToken);
            await run.Started.WaitAsync(run.Ending);
            if (run.Lease.IsSuspect) await Task.WhenAny(begins(run), Task.Delay(s_longestPause, time, run.Ending)); // a shard that is away holds up nobody
            pushes = pusher.RunAsync();
            var (result, failure) = await GenerateAsync(run, pictures, resumePoints, changed, cancellationToken);
            run.HasFreedSlots = true;
            changed(run);
            pusher.Stop();
            await pushes;
            await pusher.FlushAsync();
            if (result is null)
            {
                LogFailed(run.Name, failure!.Code, failure.Message);
                if (await ReportAsync(run, shard => shard.Fail(worker, run.Lease.Item, run.Lease.Epoch, failure), cancellationToken) == ReportReply.Accepted)
                    metrics.ItemFailed(failure.Code);
                ItemTraces.Failed(span, failure.Code);
            }
            else
            {
                var reply = await ReportAsync(run, shard => shard.Complete(worker, run.Lease.Item, run.Lease.Epoch, result), cancellationToken);
                if (reply == ReportReply.Stale) return Leave(End.Dropped); // another lease may use the resume point
                run.Result = result;
                metrics.ItemCompleted(run.Lease.Spec.Image is not null, result.CameToItsEnd);
                ItemTraces.Completed(span, result);
            }

            await resumePoints.DeleteAsync();
            return End.Reported;
        }
        catch (OperationCanceledException) when (run.Ending.IsCancellationRequested)
        {
            if (!run.IsGivenBack) return Leave(End.Dropped);
            await resumePoints.FlushAsync();
            return Leave(End.GivenBack);
        }
        catch (EngineStoppedException)
        {
            await resumePoints.FlushAsync();
            throw;
        }
        finally
        {
            run.HasFreedSlots = true;
            pusher.Stop();
            if (pushes is not null) await pushes;
        }

        End Leave(End end)
        {
            ItemTraces.Left(span, end);
            return end;
        }
    }

    private async Task<(ItemResult? Result, ItemFailure? Failure)> GenerateAsync(
        ItemRun run, Dictionary<string, byte[]>? pictures, ResumePointWriter resumePoints, Action<ItemRun> changed, CancellationToken cancellationToken)
    {
        if (pictures is null) return (null, ItemFailures.PictureMissing(ItemRequests.PicturesOf(run.Lease.Spec).First()));
        try
        {
            var start = time.GetTimestamp();
            var (outcome, failure) = await RunEngineAsync(run, pictures, resumePoints, changed);
            if (failure?.Code == EngineFailureCode.ResumeNotPossible && run.ResumedCount > 0)
            {
                LogNotResumed(run.Name, failure.Message);
                run.Begin(null);
                (outcome, failure) = await RunEngineAsync(run, pictures, resumePoints, changed);
            }

            var deviceTime = time.GetElapsedTime(start) * Math.Min(1, run.Slots / (double)Math.Max(1, engine.Load.SlotCount));
            return failure is null ? (await StoreAsync(run, outcome!, deviceTime, cancellationToken), null) : (null, ItemFailures.From(failure));
        }
        catch (Exception failure) when (failure is not (OperationCanceledException or EngineStoppedException))
        {
            LogBroken(failure, run.Name);
            return (null, new ItemFailure(FailureCode.EngineFailed, $"The item could not be made: {failure.Message}"));
        }
    }

    private async Task<(Outcome? Outcome, EngineFailure? Failure)> RunEngineAsync(
        ItemRun run, Dictionary<string, byte[]> pictures, ResumePointWriter resumePoints, Action<ItemRun> changed)
    {
        var outcome = new Outcome();
        var request = ItemRequests.From(run.Name, run.Lease.Spec, pictures, run.ToResumePoint().Tokens);
        using var watch = new RequestWatch(metrics.Engine, request, time);
        await foreach (var happened in engine.Run(request, run.Ending))
        {
            watch.Hear(happened);
            switch (happened)
            {
                case EngineEvent.TokensGenerated tokens:
                    var (isFirst, wasNearItsEnd) = (run.TokenCount == run.ResumedCount, run.IsNearItsEnd);
                    run.Append(tokens.Ids, tokens.Pieces);
                    run.HasFreedSlots = run.TokenCount >= TokensOfPicture(run.Lease.Spec);
                    _ = resumePoints.OfferAsync(); // beside the generation: whoever needs its end waits for that
                    if (run.HasFreedSlots || run.IsNearItsEnd != wasNearItsEnd || (isFirst && run.Lease.IsSuspect)) changed(run);
                    break;
                case EngineEvent.PictureDecoded picture:
                    outcome.Picture = new Picture(picture.Width, picture.Height, picture.Rgb);
                    break;
                case EngineEvent.Finished finished:
                    outcome.Finished = finished;
                    break;
                case EngineEvent.Failed failed:
                    return (null, failed.Failure);
            }
        }

        return (outcome, null);
    }

    /// <summary>The file is in the blob store before the shard hears of it.</summary>
    private async Task<ItemResult> StoreAsync(ItemRun run, Outcome outcome, TimeSpan deviceTime, CancellationToken cancellationToken)
    {
        var all = run.ToResumePoint();
        var tokensHash = TokensHash.Of(all.Tokens);
        var file = run.Lease.Spec.Image is { } image
            ? EncodePicture(run, image, outcome.Picture!, tokensHash, all.Tokens)
            : Encoding.UTF8.GetBytes(string.Concat(all.Pieces!));
        var fileHash = SHA256.HashData(file);
        await _patience.RetryAsync(run, async () =>
        {
            await blobs.WriteAsync(BlobKeys.Result(run.Tenant, run.Job, run.Lease.Item, fileHash), file);
            return true;
        }, cancellationToken);
        return new()
        {
            FileHash = fileHash,
            FileBytes = file.Length,
            PromptTokens = outcome.Finished!.Usage.PromptTokens,
            PromptImageTokens = outcome.Finished.Usage.PromptImageTokens,
            GeneratedTokens = all.Tokens.Count,
            TokensHash = tokensHash,
            CameToItsEnd = outcome.Finished.Reason == FinishReason.Stop,
            NumericClass = engine.NumericClass.Text,
            IsReproducible = engine.NumericClass.RowInvariant,
            ResumedTokens = run.ResumedCount,
            MadeBy = device,
            DeviceTime = deviceTime,
        };
    }

    private byte[] EncodePicture(ItemRun run, ImageSpec image, Picture picture, byte[] tokensHash, IReadOnlyList<int> tokens)
    {
        var format = PictureEncoding.FormatOf(image);
        var file = PictureFiles.Encode(picture, format, image.Quality);
        if (!image.EmbedRecipe) return file;
        var recipe = PictureRecipe.Of(run.Lease.Spec, run.Model, run.WeightsHash, tokensHash, tokens);
        foreach (var candidate in (PictureRecipe[])[recipe, recipe with { Tokens = null }])
        {
            try
            {
                return PictureMetadata.Embed(file, format, candidate.ToJson());
            }
            catch (ArgumentException tooLong)
            {
                // The metadata of a JPEG is short: the picture is worth more than its tokens, and more than its recipe.
                LogNoRecipe(tooLong, run.Name, candidate.Tokens is null ? "recipe" : "tokens");
            }
        }

        return file;
    }

    /// <summary>Repeats until the shard has answered: a report may be told any number of times.</summary>
    private async Task<ReportReply> ReportAsync(ItemRun run, Func<IJobShard, Task<ReportReply>> report, CancellationToken cancellationToken)
    {
        var pause = TimeSpan.FromMilliseconds(50);
        while (true)
        {
            try
            {
                return await report(run.Home);
            }
            catch (JobNotFoundException)
            {
                return ReportReply.Stale; // the job was deleted
            }
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
            {
                LogNotReported(failure, run.Name);
            }

            await Task.Delay(pause, time, cancellationToken);
            if (pause < s_longestPause) pause *= 2;
        }
    }

    /// <summary>Null when one of them is missing.</summary>
    private async Task<Dictionary<string, byte[]>?> ReadPicturesAsync(ItemSpec item)
    {
        var pictures = new Dictionary<string, byte[]>();
        foreach (var key in ItemRequests.PicturesOf(item))
        {
            if (await blobs.ReadAsync(key) is not { } file) return null;
            pictures[key] = file;
        }

        return pictures;
    }

    /// <summary>Tokens of a picture are known before the first: rows with their ends, and three that close it.</summary>
    private static int TokensOfPicture(ItemSpec item) => item.Image is { } image ? ((image.LatentWidth + 1) * image.LatentHeight) + 3 : int.MaxValue;

    private sealed class Outcome
    {
        public Picture? Picture { get; set; }
        public EngineEvent.Finished? Finished { get; set; }
    }

    [LoggerMessage(LogLevel.Information, "Item {Item} failed: {Code}, {Reason}")]
    private partial void LogFailed(string item, FailureCode code, string reason);

    [LoggerMessage(LogLevel.Error, "Item {Item} could not be made.")]
    private partial void LogBroken(Exception failure, string item);

    [LoggerMessage(LogLevel.Warning, "Item {Item} can't go on from its resume point and begins anew: {Reason}")]
    private partial void LogNotResumed(string item, string reason);

    [LoggerMessage(LogLevel.Warning, "The {What} of {Item} does not fit its file.")]
    private partial void LogNoRecipe(Exception failure, string item, string what);

    [LoggerMessage(LogLevel.Warning, "Item {Item} could not be reported; it is told again.")]
    private partial void LogNotReported(Exception failure, string item);
}
