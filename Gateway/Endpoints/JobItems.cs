using System.Globalization;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Jobs;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Storage.Blobs;
using Microsoft.Net.Http.Headers;

namespace Emu3.Gateway.Endpoints;

/// <summary>What came of a job's items: pages of outcomes, single ones, their files.</summary>
internal static class JobItems
{
    private const int MaxOutcomes = 1_000;
    private static readonly string[] s_statuses = [.. Enum.GetNames<ItemStatus>().Select(name => name.ToLowerInvariant())];

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/jobs/{id}/results", List).Tell(ApiGroups.Jobs, "List what came of a job's items", "In their durable order, also while it runs.")
            .AsksLimit(100, MaxOutcomes).Asks("after", "The `next` of the page before.").Gives<OutcomePage>();
        routes.MapGet("/v1/jobs/{id}/items", ListItems).Tell(ApiGroups.Jobs, "List a job's items",
                "In the order of the request, also those that have not ended. With `status`, a page may be short, and even empty, while `next` says that there is more to look through.")
            .Asks("from", "Index of the first item, from 0; the `next` of the page before.").AsksLimit(100, MaxOutcomes).Asks("status", "Only items that stand so.", s_statuses).Gives<ItemPage>();
        routes.MapGet("/v1/jobs/{id}/items/{item:int:min(0)}", Get).Tell(ApiGroups.Jobs, "Look at an item").Gives<OutcomeAnswer>();
        routes.MapGet("/v1/jobs/{id}/items/{item:int:min(0)}/content", Content).Tell(ApiGroups.Jobs, "Read an item's file")
            .GivesFileInRanges("The picture, in its own format.", RouteText.Pictures).GivesFileInRanges("The answer to a question.", "text/plain");
        routes.MapDelete("/v1/jobs/{id}/items/{item:int:min(0)}/content", Release).Tell(ApiGroups.Jobs, "Release an item's file", "The outcome stays, the file goes.").GivesNothing();
    }

    private static async Task<IResult> List(string id, HttpRequest request, JobReader reader, CancellationToken cancellationToken)
    {
        if (!JobCursor.TryParse(request.Query["after"].ToString(), out var after))
            return FailureResponses.BadRequest([new("after", "must be the \"next\" of the page before, or empty.")]);
        var limit = 100;
        if (request.Query["limit"].ToString() is { Length: > 0 } text
            && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > MaxOutcomes))
            return FailureResponses.BadRequest([new("limit", $"must be a whole number from 1 to {MaxOutcomes}.")]);
        if (await reader.Find(id, cancellationToken) is not { } job) return FailureResponses.JobNotFound(id);
        var (outcomes, next) = await reader.ReadOutcomes(job, after, limit, cancellationToken);
        var told = new List<OutcomeAnswer>(outcomes.Count);
        foreach (var outcome in outcomes) told.Add(await reader.Tell(outcome, job, cancellationToken));
        return new JsonAnswer<OutcomePage>(new(told, next.ToString(), job.Attempt > 1 ? outcomes.Count == limit : next.Seen.Sum() < job.Counts.Ended));
    }

    private static async Task<IResult> ListItems(string id, HttpRequest request, JobReader reader, CancellationToken cancellationToken)
    {
        var errors = new List<ItemError>();
        var (from, limit) = (PageQuery.Place(request, "from", errors), PageQuery.Limit(request, 100, MaxOutcomes, errors));
        var only = PageQuery.Word(request, "status", errors, s_statuses) is { } word ? Enum.Parse<ItemStatus>(word, ignoreCase: true) : default(ItemStatus?);
        if (errors.Count > 0) return FailureResponses.BadRequest(errors);
        if (await reader.Find(id, cancellationToken) is not { } job) return FailureResponses.JobNotFound(id);
        var (items, next) = await reader.ReadItems(job, from, limit, only, cancellationToken);
        var told = new List<OutcomeAnswer>(items.Count);
        foreach (var item in items) told.Add(await reader.Tell(item, job, cancellationToken));
        return new JsonAnswer<ItemPage>(new(told, next));
    }

    private static async Task<IResult> Get(string id, int item, JobReader reader, CancellationToken cancellationToken)
    {
        var (job, outcome, refusal) = await Find(id, item, reader, cancellationToken);
        return refusal ?? (IResult)new JsonAnswer<OutcomeAnswer>(await reader.Tell(outcome!, job!, cancellationToken));
    }

    public static async Task<IResult> Content(string id, int item, JobReader reader, IBlobStore blobs, CancellationToken cancellationToken)
    {
        // :: Step 8 The gateway serves files.
        var (job, outcome, refusal) = await Find(id, item, reader, cancellationToken);
        if (refusal is not null) return refusal;
        if (outcome!.Status != ItemStatus.Done) return FailureResponses.NoFileYet(item, outcome.Status);
        var file = await blobs.OpenReadAsync(JobReader.KeyOf(outcome, job!), cancellationToken);
        return file is null
            ? FailureResponses.FileReleased(item)
            : Results.Stream(file, OutcomeAnswer.ContentTypeOf(outcome.Spec), enableRangeProcessing: file.CanSeek,
                entityTag: new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(outcome.Result!.FileHash)}\""));
    }

    private static async Task<IResult> Release(string id, int item, JobReader reader, IBlobStore blobs, CancellationToken cancellationToken)
    {
        var (job, outcome, refusal) = await Find(id, item, reader, cancellationToken);
        if (refusal is not null) return refusal;
        if (outcome!.Status != ItemStatus.Done) return FailureResponses.NoFileYet(item, outcome.Status);
        await blobs.DeleteAsync(JobReader.KeyOf(outcome, job!), cancellationToken);
        return Results.NoContent();
    }

    private static async Task<(JobSnapshot? Job, ItemOutcome? Outcome, FailureResponse? Refusal)> Find(
        string id, int item, JobReader reader, CancellationToken cancellationToken)
    {
        if (await reader.Find(id, cancellationToken) is not { } job) return (null, null, FailureResponses.JobNotFound(id));
        return item < job.Counts.Total && await reader.FindItem(job.Id, item, cancellationToken) is { } outcome
            ? (job, outcome, null)
            : (null, null, FailureResponses.ItemNotFound(id, item));
    }
}
