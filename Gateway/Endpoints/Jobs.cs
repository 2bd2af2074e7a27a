using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Jobs;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Microsoft.AspNetCore.Mvc;

namespace Emu3.Gateway.Endpoints;

/// <summary><c>/v1/jobs</c>: submit, look, delete; <see cref="JobVerbs"/> has the rest.</summary>
internal static class Jobs
{
    private const string JsonLines = "application/x-ndjson";
    private const string Json = "application/json";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/jobs", Submit).WithMetadata(new DisableRequestSizeLimitAttribute())
            .Tell(ApiGroups.Jobs, "Submit a job", "All items are checked, and durable, before the answer. Whatever is wrong is told line by line, and then nothing runs.")
            .HearsIdempotencyKey().Asks("validate", "With true: say what is wrong and what the job would take, and make nothing.", "true", "false")
            .Takes(RequestShapes.Job).TakesLines(JsonLines, RequestShapes.JobLine).Gives<JobAnswer>(StatusCodes.Status202Accepted).Gives<ValidationAnswer>();
        routes.MapGet("/v1/jobs/{id}", Get).Tell(ApiGroups.Jobs, "Look at a job").Gives<JobAnswer>();
        routes.MapDelete("/v1/jobs/{id}", Delete).Tell(ApiGroups.Jobs, "Delete a job that has ended", "With all its files.").GivesNothing();
    }

    private static async Task<IResult> Submit(HttpContext http, JobIntake intake)
    {
        var (key, badKey) = IdempotencyKey.Of(http.Request);
        if (badKey is not null) return badKey;
        var errors = new List<ItemError>();
        var isCheckOnly = PageQuery.Word(http.Request, "validate", errors, "true", "false") == "true";
        if (errors.Count > 0) return FailureResponses.BadRequest(errors);
        IAsyncEnumerable<ReadOnlyMemory<byte>> body;
        switch (http.Request.ContentType?.Split(';')[0].Trim().ToLowerInvariant())
        {
            case JsonLines: body = JobBody.ReadLines(http.Request.Body, http.RequestAborted); break;
            case Json: body = JobBody.ReadDocument(http.Request.Body, http.RequestAborted); break;
            default: return FailureResponses.WrongContentType(JsonLines, Json);
        }
        var (job, validation, refusal) = await intake.Take(body, isCheckOnly ? null : key, isCheckOnly, http.RequestAborted);
        if (refusal is not null) return refusal;
        return job is null ? new JsonAnswer<ValidationAnswer>(validation!) : Accepted(http, job);
    }

    private static JsonAnswer<JobAnswer> Accepted(HttpContext http, JobSnapshot job)
    {
        http.Response.Headers.Location = $"/v1/jobs/{job.Id}";
        return new(JobAnswer.Of(job), StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> Get(string id, JobReader reader, CancellationToken cancellationToken) =>
        await reader.Find(id, cancellationToken) is { } job ? new JsonAnswer<JobAnswer>(JobAnswer.Of(job)) : FailureResponses.JobNotFound(id);

    private static async Task<IResult> Delete(string id, JobReader reader, ClusterCalls cluster, CancellationToken cancellationToken)
    {
        if (await reader.Find(id, cancellationToken) is not { } job) return FailureResponses.JobNotFound(id);
        if (!job.IsTerminal) return FailureResponses.NotEnded(id);
        await cluster.Repeat(() => cluster.Grain<IGenerationJob>(job.Id.Value).Delete(), cancellationToken);
        return Results.NoContent();
    }
}
