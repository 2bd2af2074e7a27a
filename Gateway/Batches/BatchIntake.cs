using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Files;
using Emu3.Gateway.Webhooks;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Batches;

/// <summary>Makes batches: the record is durable before the answer, the lines are looked through behind it.</summary>
internal sealed class BatchIntake(
    ClusterCalls cluster, FileReader files, ModelCatalog catalog, WorkerRates rates, BatchValidations validations, GatewayHostOptions options, Caller caller,
    WebhookCheck webhooks)
{
    /// <summary>The batch, or what is wrong. A key names the request: sent again, it gives the same batch.</summary>
    public async Task<(BatchInfo? Batch, FailureResponse? Refusal)> Take(BatchRequest request, string? key, CancellationToken cancellationToken)
    {
        if (await webhooks.Check(request.Webhook, cancellationToken) is { } notAllowed) return (null, notAllowed);
        var id = key is null ? BatchId.Draw() : BatchId.FromIdempotencyKey(caller.Tenant, key);
        var file = await files.FindUpload(request.InputFile, cancellationToken);
        // Under a key the batch may be there already, and its file gone.
        if (file is null && (key is null || await cluster.Repeat(() => cluster.Grain<IBatch>(id.Value).Find(), cancellationToken) is null))
            return (null, FailureResponses.BadRequest([new("input_file_id", $"There is no file \"{request.InputFile}\".")]));
        if (file is not null && file.Purpose != FilePurpose.Batch)
            return (null, FailureResponses.BadRequest([new("input_file_id", $"has the purpose \"{FileFields.WordOf(file.Purpose)}\", and must have \"batch\".")]));
        var now = cluster.Time.GetUtcNow();
        var wanted = new BatchInfo
        {
            Id = id,
            Tenant = caller.Tenant,
            KeyId = caller.KeyId,
            CreatedAt = now,
            InputFile = request.InputFile,
            Endpoint = request.Endpoint,
            Window = request.Window,
            Metadata = request.Metadata,
            OutputLife = request.OutputLife,
            Webhook = request.Webhook,
            ReportsInvalidLines = request.ReportsInvalidLines ?? options.BatchesReportInvalidLines,
            Warning = file is null ? null : BatchWarning.Of(file.LineCount, await Rate(cancellationToken), request.WindowLength, request.Window),
            ExpiresAt = options.BatchesExpire ? now + request.WindowLength : null,
        };
        var batch = await cluster.Repeat(() => cluster.Grain<IBatch>(id.Value).Create(wanted), cancellationToken);
        await cluster.Repeat(() => cluster.Grain<IJobCatalog>(IJobCatalog.BatchesOf(caller.Tenant)).Add(id.Job, batch.CreatedAt), cancellationToken);
        if (batch.Stage == BatchStage.Validating) validations.Begin(batch);
        return (batch, null);
    }

    private async Task<double> Rate(CancellationToken cancellationToken) =>
        await rates.Measure([.. (await catalog.GetModels(cancellationToken)).SelectMany(model => model.Workers)], cancellationToken);
}
