using System.Globalization;
using System.Runtime.CompilerServices;
using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Jobs;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Endpoints;

/// <summary>What happens to a job, and to the tokens of one item, as server-sent events that a client can take up again where it was.</summary>
internal static class JobEvents
{
    /// <summary>At most two progress events a second.</summary>
    private static readonly TimeSpan s_progressEvery = TimeSpan.FromMilliseconds(500);

    public static void Map(IEndpointRouteBuilder routes)
    {
        const string After = "The id of an event: the stream goes on behind it. Last-Event-ID stands before it.";
        routes.MapGet("/v1/jobs/{id}/events", WatchJob).Tell(ApiGroups.Jobs, "Watch a job", "No outcome twice, and none left out, however often the stream is taken up again.")
            .Asks("after", After).Hears("Last-Event-ID", "As browsers send it.")
            .GivesEvents("`item` with an outcome and the job, `progress` with the job, and `done` at the end.",
                EventShape.Of<ItemEventAnswer>("item", hasId: true), EventShape.Of<JobAnswer>("progress", hasId: true), EventShape.Of<JobAnswer>("done", hasId: true));
        routes.MapGet("/v1/jobs/{id}/items/{item:int:min(0)}/tokens", WatchItem).Tell(ApiGroups.Jobs, "Watch an item's tokens")
            .Asks("after", After).Hears("Last-Event-ID", "As browsers send it.")
            .GivesEvents("`tokens`; `rewind` where those behind an offset are void; `done` with the outcome.",
                EventShape.Of<TokensAnswer>("tokens", hasId: true), EventShape.Of<RewindAnswer>("rewind", hasId: true), EventShape.Of<OutcomeAnswer>("done"));
    }

    private static async Task<IResult> WatchJob(string id, HttpContext http, JobReader reader, ClusterCalls cluster, OpenStreams streams, CancellationToken cancellationToken)
    {
        var after = CursorOf(http.Request);
        if (!JobCursor.TryParse(after, out var cursor))
            return FailureResponses.BadRequest([new("after", "(or Last-Event-ID) must be the id of an event of this job, or empty.")]);
        if (await reader.Find(id, cancellationToken) is not { } job) return FailureResponses.JobNotFound(id);
        return streams.Enter(http) is { } place
            ? ServerSentEvents.Resumable(place, OfJob(job.Id, cursor, reader, cluster, CancellationToken.None))
            : FailureResponses.TooManyStreams();
    }

    private static async IAsyncEnumerable<ServerSentEvent> OfJob(
        JobId id, JobCursor cursor, JobReader reader, ClusterCalls cluster, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var lastProgress = (long?)null;
        await foreach (var happened in JobWatch.Events(cluster, id, cursor, cancellationToken))
        {
            var job = JobAnswer.Of(happened.Job);
            var at = happened.Cursor.ToString();
            if (happened.Outcome is { } outcome)
            {
                yield return ServerSentEvent.Of(new ItemEventAnswer(await reader.Tell(outcome, happened.Job, cancellationToken), job), "item", at);
            }
            else if (!happened.IsLast && (lastProgress is null || cluster.Time.GetElapsedTime(lastProgress.Value) >= s_progressEvery))
            {
                lastProgress = cluster.Time.GetTimestamp();
                yield return ServerSentEvent.Of(job, "progress", at);
            }
            if (happened.IsLast) yield return ServerSentEvent.Of(job, "done", at);
        }
    }

    private static async Task<IResult> WatchItem(
        string id, int item, HttpContext http, JobReader reader, ClusterCalls cluster, OpenStreams streams, CancellationToken cancellationToken)
    {
        if (!TryParseOffset(CursorOf(http.Request), out var offset))
            return FailureResponses.BadRequest([new("after", "(or Last-Event-ID) must be the id of an event of this item, as \"2:640\", or empty.")]);
        if (await reader.Find(id, cancellationToken) is not { } job) return FailureResponses.JobNotFound(id);
        if (item >= job.Counts.Total || await reader.FindItem(job.Id, item, cancellationToken) is null) return FailureResponses.ItemNotFound(id, item);
        return streams.Enter(http) is { } place
            ? ServerSentEvents.Resumable(place, OfItem(job, item, offset, reader, cluster, CancellationToken.None))
            : FailureResponses.TooManyStreams();
    }

    private static async IAsyncEnumerable<ServerSentEvent> OfItem(
        JobSnapshot job, int item, int offset, JobReader reader, ClusterCalls cluster, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var shard = job.Id.Shard(item / JobId.ItemsInShard);
        while (true)
        {
            await foreach (var chunk in cluster.Resume(() => cluster.Grain<IJobShard>(shard).ReadTokens(item, offset, CancellationToken.None), cancellationToken))
            {
                if (chunk.IsRewind)
                {
                    offset = chunk.Offset;
                    yield return ServerSentEvent.Of(new RewindAnswer(chunk.Epoch, chunk.Offset), "rewind", Id(chunk.Epoch, offset));
                }
                if (chunk.Tokens.Length == 0) continue;
                offset = chunk.Offset + chunk.Tokens.Length;
                yield return ServerSentEvent.Of(new TokensAnswer(chunk.Epoch, chunk.Offset, chunk.Tokens, chunk.Pieces), "tokens", Id(chunk.Epoch, offset));
            }
            if (await reader.FindItem(job.Id, item, cancellationToken) is not { } outcome) yield break;
            if (outcome.Status is ItemStatus.Pending or ItemStatus.Running) continue; // the shard moved to another silo
            yield return ServerSentEvent.Of(await reader.Tell(outcome, job, cancellationToken), "done");
            yield break;
        }
    }

    private static string Id(int epoch, int offset) => string.Create(CultureInfo.InvariantCulture, $"{epoch}:{offset}");

    /// <summary>A browser that reconnects sends the header, whatever its address says.</summary>
    private static string CursorOf(HttpRequest request) =>
        request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } header ? header : request.Query["after"].ToString();

    /// <summary>Offsets are equal in all epochs, so the epoch only has to be a number.</summary>
    internal static bool TryParseOffset(string text, out int offset)
    {
        offset = 0;
        if (text.Length == 0) return true;
        var parts = text.Split(':');
        return parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out _)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out offset);
    }
}
