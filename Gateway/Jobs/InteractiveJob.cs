using System.Runtime.CompilerServices;
using System.Text;
using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Files;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Jobs;

/// <summary>Makes the jobs of requests that someone waits for.</summary>
internal sealed class InteractiveJobs(
    ClusterCalls cluster, ModelCatalog catalog, JobReader reader, IBlobStore blobs, PictureFiles pictures, Caller caller, Admission admission,
    ILogger<InteractiveJob> logger)
{
    /// <summary>Checks the request and makes its job, or says what is wrong.</summary>
    public async Task<(InteractiveJob? Job, FailureResponse? Refusal)> Start(ItemRequest request, CancellationToken cancellationToken)
    {
        var (known, refusal) = await catalog.FindServed(request.Model, model => request.IsImage == false ? model.CanChat : model.CanDraw, cancellationToken);
        if (known is null) return (null, refusal);
        var model = known.Card;
        var id = JobId.Draw();
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
        var imageCount = resolution.Specs.Count(output => output.Image is not null);
        if (await admission.Ask(resolution.Specs.Count, imageCount, cancellationToken) is { } notNow) return (null, notNow);

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
        };
        using var submission = new JobSubmission(
            cluster, blobs, pictures, new(cluster, known.Workers, logger), context, id, spec, isCheckOnly: false, logger);
        var job = new InteractiveJob(cluster, reader, blobs, id, known, resolution.Specs[0]);
        try
        {
            await submission.Add(1, resolution, cancellationToken);
            await submission.Finish(cancellationToken);
            if (submission.Errors is { Count: > 0 } wrong)
            {
                await submission.TakeBack();
                return (null, FailureResponses.BadRequest([.. wrong.Select(error => new ItemError(error.Param, error.Message))]));
            }
            await submission.Seal(cancellationToken);
            return (job, null);
        }
        catch
        {
            await submission.TakeBack();
            throw;
        }
    }
}

/// <summary>A job of one item (or its samples) that lives as long as somebody waits for it.</summary>
internal sealed class InteractiveJob(ClusterCalls cluster, JobReader reader, IBlobStore blobs, JobId id, KnownModel model, ItemSpec first) : IAsyncDisposable
{
    private bool _hasEnded;

    public JobId Id => id;

    public string Model => model.Card.Name;

    /// <summary>The model and its workers, as they were when it began.</summary>
    public KnownModel Known => model;

    /// <summary>The first sample, with nothing left open.</summary>
    public ItemSpec First => first;

    /// <summary>The files stay where they are when nobody waits any more, until the cluster removes the job by itself.</summary>
    public bool IsKept { get; set; }

    /// <summary>Waits for all samples; they come in the order of their numbers.</summary>
    public async Task<(JobSnapshot Job, IReadOnlyList<ItemOutcome> Outcomes)> Wait(CancellationToken cancellationToken)
    {
        var outcomes = new List<ItemOutcome>();
        await foreach (var happened in JobWatch.Events(cluster, id, JobCursor.Start, cancellationToken))
        {
            if (happened.Outcome is { } outcome) outcomes.Add(outcome);
            if (!happened.IsLast) continue;
            _hasEnded = true;
            return (happened.Job, [.. outcomes.OrderBy(outcome => outcome.Item)]);
        }
        throw new InvalidOperationException($"The events of job {id} ended before the job.");
    }

    /// <summary>The file that a sample gave.</summary>
    public async Task<byte[]> Read(ItemOutcome outcome, JobSnapshot job, CancellationToken cancellationToken) =>
        await blobs.ReadAsync(JobReader.KeyOf(outcome, job), cancellationToken)
        ?? throw new InvalidOperationException($"Item {outcome.Item} of job {id} is done and its file is not there.");

    /// <summary>
    /// The tokens of the first sample while they are generated: each time all that there are. Ends with the item; tokens that were generated before anyone
    /// watched may be missing at the end.
    /// </summary>
    public async IAsyncEnumerable<IReadOnlyList<int>> ReadTokens([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var tokens = new List<int>();
        var shard = id.Shard(0);
        while (true)
        {
            await foreach (var chunk in cluster.Resume(() => cluster.Grain<IJobShard>(shard).ReadTokens(0, tokens.Count, CancellationToken.None), cancellationToken))
            {
                if (chunk.Offset > tokens.Count) yield break; // a part is gone
                tokens.RemoveRange(chunk.Offset, tokens.Count - chunk.Offset); // what another kind of machine generates anew
                tokens.AddRange(chunk.Tokens);
                yield return tokens;
            }

            if (await reader.FindItem(id, 0, cancellationToken) is not { Status: ItemStatus.Pending or ItemStatus.Running }) yield break;
        }
    }

    /// <summary>
    /// The answer's text while it is written. What was not seen on the way (the answer ended before anyone watched) comes from the file, so that all
    /// pieces together are always the file. <paramref name="atEnd"/> gets the outcome.
    /// </summary>
    public async IAsyncEnumerable<string> ReadText(Action<ItemOutcome> atEnd, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var told = new StringBuilder();
        var offset = 0;
        var shard = id.Shard(0);
        while (true)
        {
            await foreach (var chunk in cluster.Resume(() => cluster.Grain<IJobShard>(shard).ReadTokens(0, offset, CancellationToken.None), cancellationToken))
            {
                if (chunk.IsRewind && chunk.Offset < offset)
                    throw new AnswerChangedException("The answer began anew on another kind of machine and may differ from what was told. Ask again.");
                offset = Math.Max(offset, chunk.Offset + chunk.Tokens.Length);
                var piece = string.Concat(chunk.Pieces ?? []);
                told.Append(piece);
                if (piece.Length > 0) yield return piece;
            }
            var item = await reader.FindItem(id, 0, cancellationToken);
            if (item is null || item.Status is ItemStatus.Pending or ItemStatus.Running) continue; // the shard moved to another silo
            var (job, outcomes) = await Wait(cancellationToken);
            if (item.Status == ItemStatus.Done)
            {
                var text = Encoding.UTF8.GetString(await Read(item, job, cancellationToken));
                if (!text.StartsWith(told.ToString(), StringComparison.Ordinal))
                    throw new AnswerChangedException("The answer differs from what was told of it. Ask again.");
                if (text.Length > told.Length) yield return text[told.Length..];
            }
            atEnd(outcomes[0]);
            yield break;
        }
    }

    /// <summary>Nobody waits any more: what has not ended is cancelled, and nothing is kept.</summary>
    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15), cluster.Time);
        try
        {
            if (!_hasEnded) await cluster.Repeat(() => cluster.Grain<IGenerationJob>(id.Value).Cancel(), patience.Token);
            else if (!IsKept) await cluster.Repeat(() => cluster.Grain<IGenerationJob>(id.Value).Delete(), patience.Token);
        }
        catch (Exception exception) when (ClusterCalls.IsTransient(exception) || exception is OperationCanceledException or JobNotFoundException)
        {
            // The cluster cancels what nobody asks for, and removes interactive jobs by itself.
            return;
        }
    }
}

/// <summary>Text that was told already is not what the answer became.</summary>
internal sealed class AnswerChangedException(string message) : Exception(message);
