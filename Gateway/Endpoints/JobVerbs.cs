using System.Text.Json;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Jobs;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Endpoints;

/// <summary>What can be asked of a job that is there. Each may be asked again: the answer is the job as it then stands.</summary>
internal static class JobVerbs
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        MapVerb(routes, "cancel", "Cancel a job", "What is done stays.", job => job.Cancel());
        MapVerb(routes, "pause", "Pause a job", "Items that run go on from their tokens later.", job => job.Pause());
        MapVerb(routes, "resume", "Resume a job", null, job => job.Resume());
        MapVerb(routes, "retry_failed", "Run a job's failed items again", null, job => job.RetryFailed());
        routes.MapPost("/v1/jobs/{id}/priority", SetPriority).Tell(ApiGroups.Jobs, "Change a job's priority").Takes(RequestShapes.Priority).Gives<JobAnswer>();
    }

    private static void MapVerb(IEndpointRouteBuilder routes, string verb, string summary, string? more, Func<IGenerationJob, Task<JobSnapshot>> ask) =>
        routes.MapPost($"/v1/jobs/{{id}}/{verb}",
            (string id, JobReader reader, ClusterCalls cluster, CancellationToken cancellationToken) => Ask(id, ask, reader, cluster, cancellationToken))
            .Tell(ApiGroups.Jobs, summary, more).Gives<JobAnswer>();

    private static async Task<IResult> SetPriority(string id, HttpRequest request, JobReader reader, ClusterCalls cluster, CancellationToken cancellationToken)
    {
        var (document, refusal) = await RequestBody.Read(request, cancellationToken);
        if (document is null) return refusal!;
        using var _ = document;
        var errors = new List<ItemError>();
        var priority = ReadPriority(document.RootElement, errors);
        return errors.Count > 0 ? FailureResponses.BadRequest(errors) : await Ask(id, job => job.SetPriority(priority!.Value), reader, cluster, cancellationToken);
    }

    internal static JobPriority? ReadPriority(JsonElement body, List<ItemError> errors)
    {
        var fields = new FieldReader(body, "", errors);
        var priority = fields.Choice("priority", ("high", JobPriority.High), ("normal", JobPriority.Normal), ("low", JobPriority.Low));
        fields.Close();
        if (priority is null && errors.Count == 0) errors.Add(new("priority", "is missing: \"high\", \"normal\" or \"low\"."));
        return priority;
    }

    private static async Task<IResult> Ask(
        string id, Func<IGenerationJob, Task<JobSnapshot>> ask, JobReader reader, ClusterCalls cluster, CancellationToken cancellationToken)
    {
        if (await reader.Find(id, cancellationToken) is not { } job) return FailureResponses.JobNotFound(id);
        try
        {
            return new JsonAnswer<JobAnswer>(JobAnswer.Of(await cluster.Repeat(() => ask(cluster.Grain<IGenerationJob>(job.Id.Value)), cancellationToken)));
        }
        catch (InvalidJobVerbException refused)
        {
            // As it stands now: it may have moved on since.
            return await reader.Find(id, cancellationToken) is { } now ? FailureResponses.InvalidVerb(refused, now) : FailureResponses.JobNotFound(id);
        }
    }
}
