using System.Globalization;
using System.Text;
using Emu3.Gateway.Access;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Endpoints;
using Emu3.Gateway.Jobs;
using Emu3.Grains.Interfaces;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Batches;

/// <summary>
/// Writes the lines of a batch's output and error files from its job's outcomes, each time that they are read: nothing is stored twice, and there is
/// a line as soon as a request has ended. Lines that were there stay where they were; new ones come behind them.
/// </summary>
internal sealed class BatchLines(BatchOutcomes outcomes, RefusedLines refusedLines, IBlobStore blobs, SignedAddresses addresses)
{
    private static readonly byte[] s_lineEnd = "\n"u8.ToArray();

    /// <summary>Writes all lines that there are now, and says how much that was. The pictures of one line at most are held at a time.</summary>
    /// <param name="batch">Has a job.</param>
    /// <param name="isErrors">The error file's, or else the output file's.</param>
    /// <param name="request">Who asks: where no public address is configured, addresses of pictures begin as its own does.</param>
    /// <param name="target">Where they go.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<BatchFileSize> Write(BatchState batch, bool isErrors, HttpRequest request, Stream target, CancellationToken cancellationToken)
    {
        batch = await outcomes.Count(batch, cancellationToken);
        var (job, ends) = (batch.Job!, new BatchRequestEnds(batch.Layout));
        var (bytes, addressCount, start) = (0L, 0, Encoding.UTF8.GetByteCount(addresses.StartOf(request)));
        // Lines that could not run stand first: they were known before anything ran.
        var refused = isErrors && batch.Layout.RefusedCount > 0 ? await refusedLines.Read(batch.Info, cancellationToken) : null;
        foreach (var line in refused ?? []) await Append(GatewayJson.Write(LineOf(batch, line)));
        await foreach (var outcome in outcomes.Read(batch, cancellationToken))
        {
            if (ends.Add(outcome) is not [var first, ..] outputs || (isErrors ? !batch.IsError(first.Status) : first.Status != ItemStatus.Done)) continue;
            await Append(GatewayJson.Write(await Line(batch, job, outputs, AddressOf, cancellationToken)));
        }

        return new(bytes - (long)addressCount * start, addressCount, job.Attempt);

        async Task<string> AddressOf(ItemOutcome output)
        {
            var (address, isOurs) = await addresses.OfFile(job.Id, job.Spec.Tenant, output, request, cancellationToken);
            if (isOurs) addressCount++;
            return address;
        }

        async Task Append(byte[] line)
        {
            await target.WriteAsync(line, cancellationToken);
            await target.WriteAsync(s_lineEnd, cancellationToken);
            bytes += line.Length + s_lineEnd.Length;
        }
    }

    private static BatchLineAnswer LineOf(BatchState batch, RefusedLine line)
    {
        var (name, failure) = (NameOf(batch, line.Line - 1), FailureResponses.LineRefused(line.Message, line.Param, line.Code));
        return new($"batch_req_{name}", line.CustomId, new(failure.Status, $"req_{name}", failure.Answer), null);
    }

    private static string NameOf(BatchState batch, int line) => string.Create(CultureInfo.InvariantCulture, $"{batch.Info.Id.Digits}_{line}");

    private async Task<BatchLineAnswer> Line(
        BatchState batch, JobSnapshot job, IReadOnlyList<ItemOutcome> outputs, Func<ItemOutcome, Task<string>> addressOf, CancellationToken cancellationToken)
    {
        var name = NameOf(batch, batch.Layout.LineOf(outputs[0].Item));
        if (outputs[0].Status == ItemStatus.Cancelled)
            return new($"batch_req_{name}", outputs[0].Spec.Id, null, new("batch_expired", "This request could not be executed before the completion window expired."));
        var (status, body) = await Answer(batch, job, outputs, addressOf, cancellationToken);
        return new($"batch_req_{name}", outputs[0].Spec.Id, new(status, $"req_{name}", body), null);
    }

    private async Task<(int Status, object Body)> Answer(
        BatchState batch, JobSnapshot job, IReadOnlyList<ItemOutcome> outputs, Func<ItemOutcome, Task<string>> addressOf, CancellationToken cancellationToken)
    {
        var first = outputs[0];
        if (first.Failure is { } failure) return Told(FailureResponses.Of(failure));
        if (first.Spec.Chat is not null)
            return await Read(job, first, cancellationToken) is { } text ? (StatusCodes.Status200OK, batch.Info.Endpoint == BatchRequest.Responses ? ResponseOf(job, first, text) : ChatOf(job, first, text)) : Told(FailureResponses.FileReleased(first.Item));
        var pictures = new List<ImageAnswer>();
        foreach (var output in outputs)
        {
            var isInline = IsInline(batch, output);
            var file = isInline ? await Read(job, output, cancellationToken) : null;
            if (isInline && file is null) return Told(FailureResponses.FileReleased(output.Item));
            pictures.Add(new(file is null ? null : Convert.ToBase64String(file),
                isInline ? null : await addressOf(output), Images.SeedOf(output), output.Spec.SampleIndex)
            { FileId = FileId.ItemOf(batch.Info.Id, output.Item).Value });
        }

        return (StatusCodes.Status200OK, ImagesOf(job, outputs, pictures));
    }

    private static bool IsInline(BatchState batch, ItemOutcome output) => batch.Info.IsInline(batch.Layout.LineOf(output.Item));

    private Task<byte[]?> Read(JobSnapshot job, ItemOutcome outcome, CancellationToken cancellationToken) => blobs.ReadAsync(JobReader.KeyOf(outcome, job), cancellationToken);

    private static (int, object) Told(FailureResponse failure) => (failure.Status, failure.Answer);

    private static ChatAnswer ChatOf(JobSnapshot job, ItemOutcome outcome, byte[] text) => new(
        string.Create(CultureInfo.InvariantCulture, $"chatcmpl-{job.Id.Value["job_".Length..]}-{outcome.Item}"), job.Spec.CreatedAt.ToUnixTimeSeconds(), job.Spec.Model,
        [new(0, new(Encoding.UTF8.GetString(text)), Chat.ReasonOf(outcome.Result!))], Chat.UsageOf(outcome.Result!));

    private static ResponseAnswer ResponseOf(JobSnapshot job, ItemOutcome outcome, byte[] text)
    {
        var digits = string.Create(CultureInfo.InvariantCulture, $"{job.Id.Value["job_".Length..]}-{outcome.Item}");
        return Responses.Ended(Responses.Begun(job.Spec, outcome.Spec, digits), $"msg_{digits}", outcome.Result!, Encoding.UTF8.GetString(text));
    }

    private static ImagesAnswer ImagesOf(JobSnapshot job, IReadOnlyList<ItemOutcome> outputs, IReadOnlyList<ImageAnswer> pictures) => new()
    {
        Created = job.Spec.CreatedAt.ToUnixTimeSeconds(),
        Data = pictures,
        OutputFormat = OutcomeAnswer.FormatOf(outputs[0].Spec.Image!.Format),
        Size = Images.SizeOf(outputs[0].Spec.Image!, job.Spec.SpatialFactor),
        Usage = Images.UsageOf([.. outputs.Select(output => output.Result!)]),
    };
}
