using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Files;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Jobs;

/// <summary>Makes the jobs of requests that someone waits for, or finds the one that was made for the same request before.</summary>
internal sealed class InteractiveJobs(
    ClusterCalls cluster, ModelCatalog catalog, ServedModels served, JobReader reader, IBlobStore blobs, PictureFiles pictures, Caller caller, Admission admission,
    ILogger<InteractiveJob> logger)
{
    /// <summary>
    /// Checks the request and makes its job, or says what is wrong. A request with a name is one job, however often it is sent while that runs and is kept; another under
    /// its key throws <see cref="IdempotencyConflictException"/>. One that was cancelled, or that failed through no fault of the request, is made anew.
    /// </summary>
    public async Task<(InteractiveJob? Job, FailureResponse? Refusal)> Start(ItemRequest request, RequestName? name, CancellationToken cancellationToken)
    {
        if (name is null) return await Make(request, JobId.Draw(), null, cancellationToken);
        while (true)
        {
            var holder = await FindHolder(name, cancellationToken);
            var known = holder is null ? null : await reader.Find(holder.Job.Value, cancellationToken);
            var isAccepted = known is { Counts.Total: > 0 };
            var isUseless = known is not null && (isAccepted ? await IsToBeMadeAnew(known, cancellationToken) : known.IsTerminal);
            if (isAccepted && !isUseless) return (await Attach(known!, cancellationToken), null);

            // One that is not accepted yet is gone on with: whoever began it may be gone.
            var isBegun = holder is not null && !isUseless;
            var place = new Place(name, holder?.Job, isBegun);
            try
            {
                var made = await Make(request, isBegun ? holder!.Job : JobId.Draw(), place, cancellationToken);
                if (made is not (null, null)) return made;
            }
            catch (IdempotencyConflictException) when (isBegun)
            {
                // It may have been on its way out: the key is free then.
                if (holder == await FindHolder(name, cancellationToken)) throw;
            }
        }
    }

    /// <summary>The job, or why there is none; neither when somebody else has taken the key meanwhile.</summary>
    private async Task<(InteractiveJob? Job, FailureResponse? Refusal)> Make(ItemRequest request, JobId id, Place? place, CancellationToken cancellationToken)
    {
        var (known, refusal) = await served.Find(request.Model, model => request.IsImage == false ? model.CanChat : model.CanDraw, cancellationToken);
        if (known is null) return (null, refusal);
        var model = known.Info;
        var seed = DerivedSeed.Of(0, id.Value, 0);
        var context = new ResolveContext
        {
            Model = model,
            JobSeed = seed,
            Aliases = catalog.Aliases,
            KeyOf = picture => BlobKeys.Input(caller.Tenant, id, picture.Hash),
        };
        var errors = new List<ItemError>();
        request = await pictures.Load(request, errors, cancellationToken);
        if (errors.Count > 0) return (null, FailureResponses.BadRequest(errors));
        var resolution = ItemResolver.Resolve(request, 1, context);
        if (resolution.Errors.Count > 0) return (null, FailureResponses.BadRequest(resolution.Errors));
        using var span = SubmissionTraces.Start(id, JobPriority.Interactive);
        var spec = new JobSpec
        {
            Tenant = caller.Tenant,
            Model = model.Name,
            WeightsHash = model.WeightsHash,
            Priority = JobPriority.Interactive,
            Seed = seed,
            CreatedAt = cluster.Time.GetUtcNow(),
            SpatialFactor = model.SpatialFactor,
            KeyId = caller.KeyId,
            TraceParent = SubmissionTraces.TraceParent,
            RequestKey = place?.Name.GrainKeyFor(caller.Tenant),
        };
        using var submission = new JobSubmission(
            cluster, blobs, pictures, new(cluster, known.Workers, logger), context, id, spec, isCheckOnly: false, logger, SubmissionTerms.Usual);
        var isClaimed = place is { IsBegun: true };
        try
        {
            // All that may refuse the request comes before the first effect on the cluster; the quota, which counts what it lets in, comes last.
            await submission.Add(1, resolution, cancellationToken);
            await submission.Check(cancellationToken);
            var refused = submission.Errors is { Count: > 0 } wrong
                ? FailureResponses.BadRequest([.. wrong.Select(error => new ItemError(error.Param, error.Message))])
                : await admission.Ask(submission.OutputCount, submission.ImageCount, cancellationToken);
            if (refused is null && place is not null && !isClaimed) isClaimed = await Claim(place, id, cancellationToken);
            if (refused is not null || place is not null && !isClaimed)
            {
                if (!isClaimed) await submission.TakeBack(); // else its pictures are also those of whoever began it
                else if (refused!.Status == StatusCodes.Status400BadRequest) await cluster.Repeat(() => KeyOf(place!.Name).Forget(id), cancellationToken);
                return (null, refused);
            }

            // Who has the key makes the job, be the client there or not: it comes again with the key.
            if (place is not null) cancellationToken = CancellationToken.None;
            await submission.Finish(cancellationToken);
            var job = await submission.Seal(cancellationToken);
            return (new(cluster, reader, blobs, job, known.Workers, resolution.Specs[0]), null);
        }
        catch when (!isClaimed)
        {
            await submission.TakeBack();
            throw;
        }
    }

    private IRequestKey KeyOf(RequestName name) => cluster.Grain<IRequestKey>(name.GrainKeyFor(caller.Tenant));

    private async Task<RequestClaim?> FindHolder(RequestName name, CancellationToken cancellationToken)
    {
        var holder = await cluster.Repeat(() => KeyOf(name).Find(), cancellationToken);
        return holder is null || holder.ContentHash == name.ContentHash ? holder : throw new IdempotencyConflictException(holder.Job.Value);
    }

    private async Task<bool> Claim(Place place, JobId id, CancellationToken cancellationToken)
    {
        var holder = await cluster.Repeat(() => KeyOf(place.Name).Claim(place.Name.ClaimFor(id), place.InPlaceOf), cancellationToken);
        return holder.Job == id;
    }

    /// <summary>Its answer would help nobody: it has none, or one that says "try again".</summary>
    private async Task<bool> IsToBeMadeAnew(JobSnapshot job, CancellationToken cancellationToken)
    {
        if (job.Status is JobStatus.Cancelling or JobStatus.Cancelled or JobStatus.Aborted) return true;
        if (!job.IsTerminal || job.Counts.Failed == 0) return false;
        var (outcomes, _) = await reader.ReadOutcomes(job, JobCursor.Start, job.Counts.Total, cancellationToken);
        return outcomes.Any(outcome => outcome.Failure is { } failure && FailureResponses.Of(failure).Status >= StatusCodes.Status500InternalServerError);
    }

    private async Task<InteractiveJob> Attach(JobSnapshot job, CancellationToken cancellationToken)
    {
        var models = await catalog.GetModels(cancellationToken);
        var first = await reader.FindItem(job.Id, 0, cancellationToken) ?? throw new JobNotFoundException(job.Id.Value);
        return new(cluster, reader, blobs, job, models.FirstOrDefault(model => model.Info.Name == job.Spec.Model)?.Workers ?? [], first.Spec);
    }

    /// <summary>What a job is to hold of a request's key.</summary>
    /// <param name="Name">Of the request.</param>
    /// <param name="InPlaceOf">The job that held it so far; null for none.</param>
    /// <param name="IsBegun">It holds the key already.</param>
    private sealed record Place(RequestName Name, JobId? InPlaceOf, bool IsBegun);
}
