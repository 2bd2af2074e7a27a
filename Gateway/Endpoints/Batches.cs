using Emu3.Gateway.Batches;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Endpoints;

/// <summary><c>/v1/batches</c>, as OpenAI's clients speak it. The work of each is a job.</summary>
internal static class Batches
{
    private const int Usual = 20;
    private const int Most = 100;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/batches", Create)
            .Tell(ApiGroups.Batches, "Make a batch of a file", "Its lines, as the schema `BatchLine` has them, are looked through behind the answer.")
            .HearsIdempotencyKey().Takes(RequestShapes.Batch).Gives<BatchAnswer>();
        routes.MapGet("/v1/batches", List).Tell(ApiGroups.Batches, "List batches, newest first")
            .AsksLimit(Usual, Most).Asks("after", "The page begins behind this batch.").Gives<ListPage<BatchAnswer>>();
        routes.MapGet("/v1/batches/{id}", Get).Tell(ApiGroups.Batches, "Look at a batch").Gives<BatchAnswer>();
        routes.MapPost("/v1/batches/{id}/cancel", Cancel).Tell(ApiGroups.Batches, "Cancel a batch", "What is done stays.").Gives<BatchAnswer>();
    }

    private static async Task<IResult> Create(HttpRequest request, BatchIntake intake, BatchReader reader, TimeProvider time, CancellationToken cancellationToken)
    {
        var (key, badKey) = IdempotencyKey.Of(request);
        if (badKey is not null) return badKey;
        var (document, refusal) = await RequestBody.Read(request, cancellationToken);
        if (document is null) return refusal!;
        using var _ = document;
        var errors = new List<ItemError>();
        if (BatchRequest.Read(document.RootElement, errors) is not { } asked) return FailureResponses.BadRequest(errors);
        var (batch, refused) = await intake.Take(asked, key, cancellationToken);
        if (batch is null) return refused!;
        // One that was there already may have come far since.
        var state = batch.Stage == BatchStage.Validating ? new BatchState(batch, null, batch.Webhook is { } url ? new() { Url = url } : null) : await reader.Find(batch.Id, cancellationToken);
        return state is null ? FailureResponses.BatchNotFound(batch.Id.Value) : Tell(state, time);
    }

    private static async Task<IResult> Get(string id, BatchReader reader, BatchOutcomes outcomes, TimeProvider time, CancellationToken cancellationToken) =>
        await Find(id, reader, cancellationToken) is { } batch
            ? Tell(await outcomes.Count(batch, cancellationToken), time)
            : FailureResponses.BatchNotFound(id);

    private static async Task<IResult> Cancel(string id, BatchReader reader, TimeProvider time, CancellationToken cancellationToken) =>
        await Find(id, reader, cancellationToken) is { } batch && await reader.Cancel(batch, cancellationToken) is { } cancelled
            ? Tell(cancelled, time)
            : FailureResponses.BatchNotFound(id);

    private static async Task<IResult> List(HttpRequest request, BatchReader reader, TimeProvider time, CancellationToken cancellationToken)
    {
        var errors = new List<ItemError>();
        var limit = PageQuery.Limit(request, Usual, Most, errors);
        BatchState? after = null;
        if (request.Query["after"].ToString() is { Length: > 0 } text && (after = await Find(text, reader, cancellationToken)) is null)
            errors.Add(new("after", "must be the id of a batch that is there."));
        if (errors.Count > 0) return FailureResponses.BadRequest(errors);
        var (batches, hasMore) = await reader.List(after?.Info, limit, cancellationToken);
        var now = time.GetUtcNow();
        return new JsonAnswer<ListPage<BatchAnswer>>(ListPage<BatchAnswer>.Of([.. batches.Select(batch => BatchAnswer.Of(batch, now))], batch => batch.Id, hasMore));
    }

    private static async Task<BatchState?> Find(string id, BatchReader reader, CancellationToken cancellationToken) =>
        BatchId.TryParse(id, out var batch) ? await reader.Find(batch, cancellationToken) : null;

    private static JsonAnswer<BatchAnswer> Tell(BatchState batch, TimeProvider time) => new(BatchAnswer.Of(batch, time.GetUtcNow()));
}
