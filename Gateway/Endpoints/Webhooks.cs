using System.Security.Cryptography;
using Emu3.Gateway.Access;
using Emu3.Gateway.Batches;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Jobs;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Endpoints;

/// <summary>What signs the notices to the caller's tenant, and another delivery of one.</summary>
internal static class Webhooks
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/webhooks/secret", GetSecret).Tell(ApiGroups.Webhooks, "Read the secret that signs your notices").Gives<WebhookSecretAnswer>();
        routes.MapPost("/v1/webhooks/secret/rotate", Rotate)
            .Tell(ApiGroups.Webhooks, "Draw another secret", "The old one signs beside it for a day.").Gives<WebhookSecretAnswer>();
        routes.MapPost("/v1/jobs/{id}/webhook/redeliver", RedeliverOfJob)
            .Tell(ApiGroups.Webhooks, "Deliver a job's notice once more", "Under the same `webhook-id`.").Gives<JobAnswer>();
        routes.MapPost("/v1/batches/{id}/webhook/redeliver", RedeliverOfBatch)
            .Tell(ApiGroups.Webhooks, "Deliver a batch's notice once more", "Under the same `webhook-id`.").Gives<BatchAnswer>();
    }

    private static async Task<IResult> GetSecret(HttpContext http, ClusterCalls cluster, Caller caller) => Shown(
        http, await cluster.Repeat(() => cluster.Grain<IWebhookSecrets>(IWebhookSecrets.KeyOf(caller.Tenant)).Get(), http.RequestAborted));

    private static async Task<IResult> Rotate(HttpContext http, ClusterCalls cluster, Caller caller, AuditTrail audit)
    {
        var secret = RandomNumberGenerator.GetBytes(IWebhookSecrets.SecretBytes);
        await audit.Record(http, "webhook_secret.rotate", caller.Tenant);
        return Shown(http, await cluster.Repeat(() => cluster.Grain<IWebhookSecrets>(IWebhookSecrets.KeyOf(caller.Tenant)).Rotate(secret), http.RequestAborted));
    }

    /// <summary>No cache may keep it.</summary>
    private static JsonAnswer<WebhookSecretAnswer> Shown(HttpContext http, WebhookSecretSet secrets)
    {
        http.Response.Headers.CacheControl = "no-store";
        return new(WebhookSecretAnswer.Of(secrets));
    }

    private static async Task<IResult> RedeliverOfJob(string id, JobReader reader, ClusterCalls cluster, CancellationToken cancellationToken) =>
        await reader.Find(id, cancellationToken) is not { } job ? FailureResponses.JobNotFound(id)
        : await Redeliver(id, job.Webhook, job.Id, job.Attempt, cluster, cancellationToken) is { } refusal ? refusal
        : await reader.Find(id, cancellationToken) is { } now ? new JsonAnswer<JobAnswer>(JobAnswer.Of(now)) : FailureResponses.JobNotFound(id);

    private static async Task<IResult> RedeliverOfBatch(string id, BatchReader reader, ClusterCalls cluster, CancellationToken cancellationToken)
    {
        if (!BatchId.TryParse(id, out var name) || await reader.Find(name, cancellationToken) is not { } batch) return FailureResponses.BatchNotFound(id);
        if (await Redeliver(id, batch.Webhook, name.Job, batch.Job?.Attempt ?? 0, cluster, cancellationToken) is { } refusal) return refusal;
        return await reader.Find(name, cancellationToken) is { } now
            ? new JsonAnswer<BatchAnswer>(BatchAnswer.Of(now, cluster.Time.GetUtcNow()))
            : FailureResponses.BatchNotFound(id);
    }

    private static async Task<FailureResponse?> Redeliver(
        string id, WebhookState? webhook, JobId job, int attempt, ClusterCalls cluster, CancellationToken cancellationToken)
    {
        if (webhook is null) return FailureResponses.NoWebhook(id);
        var told = await cluster.Repeat(() => cluster.Grain<IWebhookDelivery>(IWebhookDelivery.KeyOf(job, attempt)).Redeliver(), cancellationToken);
        return told is null ? FailureResponses.NothingToDeliver(id) : null;
    }
}
