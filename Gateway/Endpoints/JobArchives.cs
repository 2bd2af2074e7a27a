using System.Globalization;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Text.Json.Nodes;
using Emu3.Gateway.Access;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Jobs;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Endpoints;

/// <summary>
/// All files of a job in one ZIP, written as it is read: pictures, answers, and <c>metadata.jsonl</c> with each item's outcome. Of a job that runs it has
/// what is there.
/// </summary>
internal static class JobArchives
{
    private const int PageSize = 256;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/jobs/{id}/archive", Content).Tell(ApiGroups.Jobs, "Read all files of a job", "And `metadata.jsonl` with each item's outcome. Of a job that runs, what is there.")
            .GivesFile("application/zip", "A ZIP, written as it is read.");
        routes.MapPost("/v1/jobs/{id}/archive", GetAddress).Tell(ApiGroups.Jobs, "Get an address of all files", "It opens without a key for a while, as in a browser.").Gives<ArchiveAnswer>();
    }

    /// <summary>The archive itself.</summary>
    public static async Task<IResult> Content(string id, JobReader reader, IBlobStore blobs, CancellationToken cancellationToken) =>
        await reader.Find(id, cancellationToken) is { } job
            ? Results.Stream(body => Write(body, job, reader, blobs, cancellationToken), "application/zip", $"{job.Id}.zip")
            : FailureResponses.JobNotFound(id);

    /// <summary>An address that a browser can open, which sends no key along.</summary>
    private static async Task<IResult> GetAddress(string id, HttpRequest request, JobReader reader, SignedAddresses addresses, CancellationToken cancellationToken) =>
        await reader.Find(id, cancellationToken) is { } job
            ? new JsonAnswer<ArchiveAnswer>(new(await addresses.Of(SignedFiles.Archive(job.Id), request, cancellationToken)))
            : FailureResponses.JobNotFound(id);

    /// <summary>The archive writes some of its own bytes synchronously, which a response refuses: they wait in a pipe until the next file is through.</summary>
    private static async Task Write(Stream body, JobSnapshot job, JobReader reader, IBlobStore blobs, CancellationToken cancellationToken)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var metadata = new List<byte[]>();
        await using (var archive = new ZipArchive(pipe.Writer.AsStream(leaveOpen: true), ZipArchiveMode.Create, leaveOpen: true))
        {
            for (var cursor = JobCursor.Start; ;)
            {
                var (outcomes, next) = await reader.ReadOutcomes(job, cursor, PageSize, cancellationToken);
                foreach (var outcome in outcomes)
                {
                    var told = GatewayJson.Write(await reader.Tell(outcome, job, cancellationToken));
                    var file = outcome.Status == ItemStatus.Done ? await blobs.ReadAsync(JobReader.KeyOf(outcome, job), cancellationToken) : null; // it may have been released
                    metadata.Add(file is not null && outcome.Spec.Image is { } image ? WithPicture(told, NameOf(outcome), image.Prompt) : told);
                    if (file is null) continue;
                    await Add(archive, NameOf(outcome), CompressionLevel.NoCompression, [file], cancellationToken);
                    await Drain(pipe.Reader, body, cancellationToken);
                }

                if (outcomes.Count == 0) break;
                cursor = next;
            }

            await Add(archive, "metadata.jsonl", CompressionLevel.Fastest, metadata.SelectMany(line => (byte[][])[line, [(byte)'\n']]), cancellationToken);
        }

        await pipe.Writer.CompleteAsync();
        await Drain(pipe.Reader, body, cancellationToken);
        await pipe.Reader.CompleteAsync();
    }

    private static async Task Add(ZipArchive archive, string name, CompressionLevel compression, IEnumerable<byte[]> content, CancellationToken cancellationToken)
    {
        await using var entry = await archive.CreateEntry(name, compression).OpenAsync(cancellationToken);
        foreach (var part in content) await entry.WriteAsync(part, cancellationToken);
    }

    private static async Task Drain(PipeReader from, Stream body, CancellationToken cancellationToken)
    {
        while (from.TryRead(out var read) && !read.Buffer.IsEmpty)
        {
            foreach (var part in read.Buffer) await body.WriteAsync(part, cancellationToken);
            from.AdvanceTo(read.Buffer.End);
        }
    }

    /// <summary>Loaders of data sets (Hugging Face's <c>imagefolder</c>) look for the picture in <c>file_name</c>, relative to the file, and for its caption in <c>text</c>.</summary>
    private static byte[] WithPicture(byte[] outcome, string name, string prompt)
    {
        var fields = JsonNode.Parse(outcome)!.AsObject();
        fields.Insert(0, "file_name", name);
        fields.Insert(1, "text", prompt);
        return GatewayJson.Write(fields);
    }

    /// <summary>By the item's place, which is unique, and what is harmless of its id.</summary>
    private static string NameOf(ItemOutcome outcome)
    {
        var id = string.Concat(outcome.Spec.Id.Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_').Take(60));
        var format = outcome.Spec.Image is { } image ? OutcomeAnswer.FormatOf(image.Format) : "txt";
        return string.Create(CultureInfo.InvariantCulture, $"{outcome.Item:D6}{(id.Length > 0 ? "-" : "")}{id}.{format}");
    }
}
