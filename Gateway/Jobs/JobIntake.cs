using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Files;
using Emu3.Gateway.Webhooks;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Jobs;

/// <summary>Takes a submission from its first byte to a durable job, or to the list of what is wrong with it.</summary>
internal sealed class JobIntake(
    ClusterCalls cluster, ModelCatalog catalog, JobReader reader, WorkerRates rates, IBlobStore blobs, PictureFiles pictures, Caller caller, Admission admission,
    WebhookCheck webhooks, ILogger<JobIntake> logger)
{
    /// <summary>
    /// Exactly one of the three comes back: the job, what it would take (when only checked), or a refusal. A key names the submission: the same
    /// content under it is the same job, however often it is sent.
    /// </summary>
    public Task<(JobSnapshot? Job, ValidationAnswer? Validation, FailureResponse? Refusal)> Take(
        IAsyncEnumerable<ReadOnlyMemory<byte>> body, string? key, bool isCheckOnly, CancellationToken cancellationToken) =>
        Take(body, key is null ? default(JobId?) : JobId.FromIdempotencyKey(caller.Tenant, key), isCheckOnly, SubmissionTerms.Usual, cancellationToken);

    /// <summary>The same for a submission that is named by the id of its job, on terms of its own.</summary>
    public async Task<(JobSnapshot? Job, ValidationAnswer? Validation, FailureResponse? Refusal)> Take(
        IAsyncEnumerable<ReadOnlyMemory<byte>> body, JobId? named, bool isCheckOnly, SubmissionTerms terms, CancellationToken cancellationToken)
    {
        await using var parts = body.GetAsyncEnumerator(cancellationToken);
        if (!await parts.MoveNextAsync()) return (null, null, FailureResponses.BadRequest([new("", "The body is empty: it begins with the job object.")]));
        var head = parts.Current;
        var errors = new List<ItemError>();
        if (ReadHead(head, errors) is not { } request) return (null, null, FailureResponses.BadRequest(errors));
        if (await webhooks.Check(request.Webhook, cancellationToken) is { } notAllowed) return (null, null, notAllowed);

        var id = named ?? JobId.Draw();
        if (named is not null && await FindSealed(id, cancellationToken) is { } existing) return await Compare(existing, head, parts, cancellationToken);
        var first = await parts.MoveNextAsync() ? parts.Current : default(ReadOnlyMemory<byte>?);
        var (model, refusal) = await catalog.FindForJob(request.Model, Does(request, first), cancellationToken);
        if (model is null) return (null, null, refusal);

        using var span = isCheckOnly ? null : SubmissionTraces.Start(id, request.Priority);
        var spec = Resolve(request, id, model.Info) with { DueAt = terms.DueAt, RefusedLineCount = terms.RefusedLineCount };
        var context = new ResolveContext
        {
            Model = model.Info,
            JobSeed = spec.Seed,
            Defaults = request.Defaults,
            Aliases = catalog.Aliases,
            KeyOf = picture => BlobKeys.Input(spec.Tenant, id, picture.Hash),
        };
        using var submission = new JobSubmission(cluster, blobs, pictures, new(cluster, model.Workers, logger), context, id, spec, isCheckOnly, logger, terms);
        var mayStay = false;
        try
        {
            submission.AddHead(head.Span);
            if (first is { } json) await submission.Add(json, cancellationToken);
            while (first is not null && await parts.MoveNextAsync()) await submission.Add(parts.Current, cancellationToken);
            await submission.Finish(cancellationToken);
            if (isCheckOnly) return (null, await Tell(submission, model, cancellationToken), null);
            if (submission.Errors is { Count: > 0 } lineErrors) return (null, null, FailureResponses.InvalidItems(lineErrors));
            if (submission.ItemCount == 0) return (null, null, FailureResponses.BadRequest([new("items", "is empty: a job has at least one item.")]));
            if (await admission.Ask(submission.OutputCount, submission.ImageCount, cancellationToken) is { } notNow) return (null, null, notNow);
            var job = await submission.Seal(cancellationToken);
            mayStay = true;
            return (job, null, null);
        }
        catch (Exception exception) when (named is not null && exception is not MalformedBodyException)
        {
            // It broke off: its submitter comes again with the key, may be there already, and goes on with what is here.
            mayStay = true;
            throw;
        }
        finally
        {
            if (!mayStay) await submission.TakeBack();
        }
    }

    private static JobRequest? ReadHead(ReadOnlyMemory<byte> head, List<ItemError> errors)
    {
        using var document = StrictJson.Parse(head, out var error);
        if (document is null)
        {
            errors.Add(new("", $"The job object (the first line) {error}"));
            return null;
        }
        var request = JobRequest.Read(document.RootElement, errors);
        return errors.Count == 0 ? request : null;
    }

    /// <summary>Where a job names no model, its first item says what a model must be able to do.</summary>
    private static Func<ModelInfo, bool> Does(JobRequest request, ReadOnlyMemory<byte>? first)
    {
        if (request.Model is not null || first is not { } json) return _ => true;
        using var document = StrictJson.Parse(json, out _);
        var item = document is null ? ItemRequest.Empty : ItemRequestReader.ReadItem(document.RootElement, []);
        return item.Over(request.Defaults).IsImage switch
        {
            true => model => model.CanDraw,
            false => model => model.CanChat,
            _ => _ => true,
        };
    }

    /// <summary>
    /// A job that was accepted before under this key. One that is still open is gone on with: shards refuse items that differ from those they have.
    /// One that ended before it was accepted is cleared away.
    /// </summary>
    private async Task<JobSnapshot?> FindSealed(JobId id, CancellationToken cancellationToken)
    {
        if (await reader.Find(id.Value, cancellationToken) is not { } job) return null;
        if (job.Counts.Total > 0) return job;
        if (job.IsTerminal) await cluster.Repeat(() => cluster.Grain<IGenerationJob>(id.Value).Delete(), cancellationToken);
        return null;
    }

    /// <summary>The job is there: only whether this is the same request remains to be seen.</summary>
    private async Task<(JobSnapshot?, ValidationAnswer?, FailureResponse?)> Compare(
        JobSnapshot existing, ReadOnlyMemory<byte> head, IAsyncEnumerator<ReadOnlyMemory<byte>> parts, CancellationToken cancellationToken)
    {
        using var hash = new ContentHash();
        hash.Add(head.Span);
        while (await parts.MoveNextAsync()) hash.Add(parts.Current.Span);
        var job = await cluster.Repeat(
            () => cluster.Grain<IGenerationJob>(existing.Id.Value).Seal(existing.Counts.Total, hash.Text), cancellationToken);
        return (job, null, null);
    }

    private JobSpec Resolve(JobRequest request, JobId id, ModelInfo model) => new()
    {
        Tenant = caller.Tenant,
        Model = model.Name,
        WeightsHash = model.WeightsHash,
        Priority = request.Priority,
        // From the id and not drawn, so that the same submission under the same key, sent twice, is the same job.
        Seed = request.Seed ?? DerivedSeed.Of(0, id.Value, 0),
        CreatedAt = cluster.Time.GetUtcNow(),
        Metadata = request.Metadata,
        SpatialFactor = model.SpatialFactor,
        MaxFailures = request.MaxFailures,
        KeyId = caller.KeyId,
        TraceParent = SubmissionTraces.TraceParent,
        Webhook = request.Webhook,
    };

    private async Task<ValidationAnswer> Tell(JobSubmission submission, KnownModel model, CancellationToken cancellationToken)
    {
        var rate = await rates.Measure(model.Workers, cancellationToken);
        return new()
        {
            Items = submission.ItemCount,
            Outputs = submission.OutputCount,
            LineErrors = submission.Errors,
            Positions = new(submission.MaxPositions, submission.SumPositions, model.Info.MaxPositions),
            EstimatedBytes = submission.EstimatedBytes,
            EstimatedSeconds = rate > 0 ? submission.OutputCount / rate : null,
            EstimateBasis = rate > 0 ? "measured" : model.IsLoaded ? "predicted" : "unknown",
        };
    }
}
