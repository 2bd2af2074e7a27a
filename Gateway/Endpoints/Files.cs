using Emu3.Gateway.Batches;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Files;
using Emu3.Gateway.Jobs;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Storage.Blobs;
using Microsoft.AspNetCore.Mvc;

namespace Emu3.Gateway.Endpoints;

/// <summary><c>/v1/files</c>, as OpenAI's clients speak it: uploads, and what batches give.</summary>
internal static class Files
{
    private const int MaxListed = 10_000;
    private const string JsonLines = "application/jsonl";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/files", Upload).WithMetadata(new RequestSizeLimitAttribute(FileLimits.Bytes + FileLimits.FormBytes))
            .Tell(ApiGroups.Files, "Upload a file", "Of purpose batch, its lines are as the schema `BatchLine` has them.")
            .HearsIdempotencyKey().Takes("multipart/form-data", FileFields.Shape).Gives<FileAnswer>();
        routes.MapGet("/v1/files", List).Tell(ApiGroups.Files, "List files")
            .AsksLimit(MaxListed, MaxListed).Asks("after", "The page begins behind this file.").Asks("order", "By time of making; desc where nothing is said.", "asc", "desc")
            .Asks("purpose", "Only those.", "batch", "vision", "user_data", FileAnswer.BatchOutput).Gives<ListPage<FileAnswer>>();
        routes.MapGet("/v1/files/{id}", Get).Tell(ApiGroups.Files, "Look at a file").Gives<FileAnswer>();
        routes.MapGet("/v1/files/{id}/content", Content).Tell(ApiGroups.Files, "Read a file", "Uploads and pictures also in ranges.")
            .GivesFileInRanges("The file as it was uploaded.", "application/octet-stream").GivesFileInRanges("A picture of a batch, in its own format.", RouteText.Pictures)
            .GivesLines<BatchLineAnswer>(JsonLines, "A line of a batch's output or errors; there are more while the batch runs.");
        routes.MapDelete("/v1/files/{id}", Delete).Tell(ApiGroups.Files, "Delete a file", "Of a batch's output and errors only the file goes, the results stay with the job.").Gives<FileDeletedAnswer>();
    }

    private static async Task<IResult> Upload(HttpContext http, FileIntake intake)
    {
        var (key, refused) = IdempotencyKey.Of(http.Request);
        if (refused is not null) return refused;
        var (file, refusal) = await intake.Take(http.Request, key, http.RequestAborted);
        return file is null ? refusal! : new JsonAnswer<FileAnswer>(FileAnswer.Of(file));
    }

    private static async Task<IResult> List(HttpRequest request, FileReader files, CancellationToken cancellationToken)
    {
        var errors = new List<ItemError>();
        var limit = PageQuery.Limit(request, MaxListed, MaxListed, errors);
        var order = PageQuery.Word(request, "order", errors, "asc", "desc");
        var purpose = PageQuery.Word(request, "purpose", errors, "batch", "vision", "user_data", FileAnswer.BatchOutput);
        FilePlace? after = null;
        if (request.Query["after"].ToString() is { Length: > 0 } text
            && (!FileId.TryParse(text, out var id) || (after = await files.FindPlace(id, cancellationToken)) is null))
            errors.Add(new("after", "must be the id of a file that is there."));
        return errors.Count > 0
            ? FailureResponses.BadRequest(errors)
            : new JsonAnswer<ListPage<FileAnswer>>(await files.List(after, limit, order != "asc", purpose, request, cancellationToken));
    }

    private static async Task<IResult> Get(string id, HttpRequest request, FileReader files, BatchFiles made, CancellationToken cancellationToken)
    {
        if (!FileId.TryParse(id, out var file)) return FailureResponses.FileNotFound(id);
        if (await files.FindUpload(file, cancellationToken) is { } upload) return new JsonAnswer<FileAnswer>(FileAnswer.Of(upload));
        return await made.Find(file, request, cancellationToken) is { } found
            ? new JsonAnswer<FileAnswer>(await made.Measure(found, file, request, cancellationToken))
            : FailureResponses.FileNotFound(id);
    }

    private static async Task<IResult> Content(
        string id, HttpContext http, FileReader files, BatchFiles made, IBlobStore blobs, CancellationToken cancellationToken)
    {
        if (!FileId.TryParse(id, out var file)) return FailureResponses.FileNotFound(id);
        // Whatever it is, no browser is to take it for a page of ours.
        http.Response.Headers.XContentTypeOptions = "nosniff";
        if (await files.FindUpload(file, cancellationToken) is { } upload)
        {
            return await files.Open(upload, cancellationToken) is { } stream
                ? Results.Stream(stream, "application/octet-stream", upload.Name, enableRangeProcessing: true)
                : FailureResponses.FileNotFound(id);
        }

        if (await made.Find(file, http.Request, cancellationToken) is not { } found) return FailureResponses.FileNotFound(id);
        if (found.Item is not { } item)
            return Results.Stream(target => made.Write(found.Batch, file.IsErrors, http.Request, target, cancellationToken), JsonLines, found.Told.Filename);
        return await blobs.OpenReadAsync(JobReader.KeyOf(item, found.Batch.Job!), cancellationToken) is { } picture
            ? Results.Stream(picture, OutcomeAnswer.ContentTypeOf(item.Spec), found.Told.Filename, enableRangeProcessing: true)
            : FailureResponses.FileReleased(item.Item);
    }

    private static async Task<IResult> Delete(
        string id, HttpRequest request, FileReader files, BatchFiles made, BatchReader batches, IBlobStore blobs, CancellationToken cancellationToken)
    {
        if (!FileId.TryParse(id, out var file)) return FailureResponses.FileNotFound(id);
        if (file.Batch is not { } batch)
            return await files.DeleteUpload(file, cancellationToken) ? new JsonAnswer<FileDeletedAnswer>(new(id)) : FailureResponses.FileNotFound(id);
        if (await made.Find(file, request, cancellationToken) is not { } found) return FailureResponses.FileNotFound(id);
        if (found.Item is { } item)
        {
            await blobs.DeleteAsync(JobReader.KeyOf(item, found.Batch.Job!), cancellationToken);
            await made.Forget(batch, cancellationToken);
        }
        else await batches.DeleteFile(batch, file.IsErrors, cancellationToken);
        return new JsonAnswer<FileDeletedAnswer>(new(id));
    }
}
