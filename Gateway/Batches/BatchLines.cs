using System.Globalization;
using System.Text;
using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Endpoints;
using Emu3.Gateway.Jobs;
using Emu3.Grains.Interfaces;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Batches;

/// <summary>
/// Writes the lines of a batch's output and error files from its job's outcomes, each time that they are read: nothing is stored twice, and there is
/// a line as soon as an item has ended. Lines come shard by shard, in each in the durable order of outcomes; a batch that has ended has one order for ever.
/// </summary>
internal sealed class BatchLines(ClusterCalls cluster, IBlobStore blobs, SignedAddresses addresses)
{
    private static readonly byte[] s_lineEnd = "\n"u8.ToArray();

    /// <summary>Writes all lines that there are now. One picture at most is held at a time.</summary>
    /// <param name="batch">Has a job.</param>
    /// <param name="isErrors">The error file's, or else the output file's.</param>
    /// <param name="request">Who asks: where no public address is configured, addresses of pictures begin as its own does.</param>
    /// <param name="target">Where they go.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task Write(BatchState batch, bool isErrors, HttpRequest request, Stream target, CancellationToken cancellationToken)
    {
        var job = batch.Job!;
        for (var shard = 0; shard * JobId.ItemsInShard < job.Counts.Total; shard++)
        {
            foreach (var outcome in await LastOutcomes(job, shard, cancellationToken))
            {
                if (isErrors ? !batch.IsError(outcome.Status) : outcome.Status != ItemStatus.Done) continue;
                await target.WriteAsync(GatewayJson.Write(await Line(batch, job, outcome, request, cancellationToken)), cancellationToken);
                await target.WriteAsync(s_lineEnd, cancellationToken);
            }

            await target.FlushAsync(cancellationToken);
        }
    }

    /// <summary>Of an item that was begun anew only its last outcome counts.</summary>
    private async Task<IEnumerable<ItemOutcome>> LastOutcomes(JobSnapshot job, int shard, CancellationToken cancellationToken)
    {
        var key = job.Id.Shard(shard);
        var outcomes = new List<ItemOutcome>();
        while (await cluster.Repeat(() => cluster.Grain<IJobShard>(key).ReadOutcomes(outcomes.Count, JobId.ItemsInShard), cancellationToken) is { Count: > 0 } read)
            outcomes.AddRange(read);
        var last = new Dictionary<int, int>();
        for (var place = 0; place < outcomes.Count; place++) last[outcomes[place].Item] = place;
        return outcomes.Where((outcome, place) => last[outcome.Item] == place);
    }

    private async Task<BatchLineAnswer> Line(BatchState batch, JobSnapshot job, ItemOutcome outcome, HttpRequest request, CancellationToken cancellationToken)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{batch.Card.Id.Digits}_{outcome.Item}");
        if (outcome.Status == ItemStatus.Cancelled)
            return new($"batch_req_{name}", outcome.Spec.Id, null, new("batch_expired", "This request could not be executed before the completion window expired."));
        var (status, body) = await Answer(batch, job, outcome, request, cancellationToken);
        return new($"batch_req_{name}", outcome.Spec.Id, new(status, $"req_{name}", body), null);
    }

    private async Task<(int Status, object Body)> Answer(BatchState batch, JobSnapshot job, ItemOutcome outcome, HttpRequest request, CancellationToken cancellationToken)
    {
        if (outcome.Failure is { } failure) return Told(FailureResponses.Of(failure));
        if (outcome.Spec.Chat is not null)
            return await Read(job, outcome, cancellationToken) is { } text ? (StatusCodes.Status200OK, ChatOf(job, outcome, text)) : Told(FailureResponses.FileReleased(outcome.Item));
        if (!batch.Card.IsInline(outcome.Item))
            return (StatusCodes.Status200OK, ImageOf(batch, job, outcome, null, await addresses.Of(SignedFiles.Picture(job.Id, outcome.Item), request, cancellationToken)));
        return await Read(job, outcome, cancellationToken) is { } file
            ? (StatusCodes.Status200OK, ImageOf(batch, job, outcome, Convert.ToBase64String(file), null))
            : Told(FailureResponses.FileReleased(outcome.Item));
    }

    private Task<byte[]?> Read(JobSnapshot job, ItemOutcome outcome, CancellationToken cancellationToken) => blobs.ReadAsync(JobReader.KeyOf(outcome, job), cancellationToken);

    private static (int, object) Told(FailureResponse failure) => (failure.Status, failure.Answer);

    private static ChatAnswer ChatOf(JobSnapshot job, ItemOutcome outcome, byte[] text) => new(
        string.Create(CultureInfo.InvariantCulture, $"chatcmpl-{job.Id.Value["job_".Length..]}-{outcome.Item}"), job.Spec.CreatedAt.ToUnixTimeSeconds(), job.Spec.Model,
        [new(0, new(Encoding.UTF8.GetString(text)), Chat.ReasonOf(outcome.Result!))], Chat.UsageOf(outcome.Result!));

    private static ImagesAnswer ImageOf(BatchState batch, JobSnapshot job, ItemOutcome outcome, string? base64, string? address) => new()
    {
        Created = job.Spec.CreatedAt.ToUnixTimeSeconds(),
        Data = [new(base64, address, Images.SeedOf(outcome), outcome.Spec.SampleIndex) { FileId = FileId.ItemOf(batch.Card.Id, outcome.Item).Value }],
        OutputFormat = OutcomeAnswer.FormatOf(outcome.Spec.Image!.Format),
        Size = Images.SizeOf(outcome.Spec.Image, job.Spec.SpatialFactor),
        Usage = Images.UsageOf([outcome.Result!]),
    };
}
