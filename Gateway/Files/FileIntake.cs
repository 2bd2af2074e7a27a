using System.Text;
using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Jobs;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Storage.Blobs;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace Emu3.Gateway.Files;

/// <summary>Takes an upload from its form to the shelf; the file goes to the blob store as it comes, and is never held whole.</summary>
internal sealed class FileIntake(ClusterCalls cluster, IBlobStore blobs, Caller caller)
{
    private const int LongestBoundary = 200;
    private const int LongestField = 1_024;
    private const int MaxFields = 16;

    /// <summary>
    /// The file, or what is wrong. Of a form that can't be taken nothing stays. A key names the upload: the same form under it is the same file, however often
    /// it is sent; another throws <see cref="IdempotencyConflictException"/>.
    /// </summary>
    public async Task<(UploadedFile? File, FailureResponse? Refusal)> Take(HttpRequest request, string? key, CancellationToken cancellationToken)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type) || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
            return (null, FailureResponses.WrongContentType("multipart/form-data"));
        if (HeaderUtilities.RemoveQuotes(type.Boundary) is not { Length: > 0 and <= LongestBoundary } boundary)
            return (null, FailureResponses.BadRequest([new("", $"Content-Type must have a boundary of 1 to {LongestBoundary} characters.")]));
        var form = new MultipartReader(boundary.Value!, request.Body) { HeadersCountLimit = 16, HeadersLengthLimit = 16 << 10 };
        var id = key is null ? FileId.Draw() : FileId.FromIdempotencyKey(caller.Tenant, key);
        var known = key is null ? null : await cluster.Repeat(() => Shelf(id).Find(id), cancellationToken);
        // Whoever has the key may be sending it again already: what is there is not this one's to remove, and goes by itself when it stays incomplete.
        var isKept = key is not null;
        try
        {
            var (file, refusal) = await Take(id, known, form, cancellationToken);
            isKept |= refusal is null;
            return (file, refusal);
        }
        finally
        {
            if (!isKept) await TakeBack(id);
        }
    }

    private async Task<(UploadedFile?, FailureResponse?)> Take(FileId id, UploadedFile? known, MultipartReader form, CancellationToken cancellationToken)
    {
        var errors = new List<ItemError>();
        var fields = new FileFields();
        UploadedFile? file = null;
        for (var count = 0; await Next(form, cancellationToken) is { } section; count++)
        {
            if (count == MaxFields) return (null, FailureResponses.BadRequest([new("", $"The form has more than {MaxFields} fields.")]));
            var disposition = section.GetContentDispositionHeader();
            var name = HeaderUtilities.RemoveQuotes(disposition?.Name ?? default).Value;
            if (string.IsNullOrEmpty(name)) errors.Add(new("", "A part of the form has no name."));
            else if (name != "file") fields.Add(name, await ReadText(name, section, cancellationToken), errors);
            else if (file is not null) errors.Add(new("file", "is there twice."));
            else
            {
                if (fields.IsPurposeWrong) fields.Check(errors);
                if (errors.Count > 0) break; // before anything large is read
                file = await Store(id, known, FileName.Of(disposition!), fields, section.Body, cancellationToken);
                if (file is null) return (null, FailureResponses.TooManyFiles());
            }
        }

        if (errors.Count > 0) return (null, FailureResponses.BadRequest(errors));
        var life = fields.Check(errors);
        if (file is null) errors.Add(new("file", "is missing."));
        else if (file.Bytes == 0) errors.Add(new("file", "is empty."));
        if (errors.Count > 0) return (null, FailureResponses.BadRequest(errors));
        if (file!.Bytes > fields.MaxBytes) throw UploadStream.TooLarge(fields.MaxBytes); // the purpose came behind the file
        var whole = file with { Purpose = fields.Purpose!.Value, ExpiresAt = file.CreatedAt + life, IsComplete = true };
        if (known is not null) return known.IsSameUpload(whole) ? (known, null) : throw new IdempotencyConflictException(id.Value);
        return await Put(whole, cancellationToken) ? (whole, null) : (null, FailureResponses.TooManyFiles());
    }

    /// <summary>The shelf knows of the file before the blob store does; null when it has no room. One that is there already is only compared.</summary>
    private async Task<UploadedFile?> Store(FileId id, UploadedFile? known, string name, FileFields fields, Stream body, CancellationToken cancellationToken)
    {
        var file = new UploadedFile { Id = id, CreatedAt = cluster.Time.GetUtcNow(), Name = name, Purpose = fields.Purpose ?? FilePurpose.UserData };
        if (known is null && !await Put(file, cancellationToken)) return null;
        await using var upload = new UploadStream(body, fields.MaxBytes);
        if (known is not null) await upload.CopyToAsync(Stream.Null, cancellationToken);
        else await blobs.WriteAsync(BlobKeys.File(caller.Tenant, id), upload, cancellationToken);
        return file with { Bytes = upload.ByteCount, LineCount = upload.LineCount, Hash = upload.Hash };
    }

    private Task<bool> Put(UploadedFile file, CancellationToken cancellationToken) =>
        cluster.Repeat(() => Shelf(file.Id).Put(file), cancellationToken);

    private IFileShelf Shelf(FileId file) => cluster.Grain<IFileShelf>(IFileShelf.KeyOf(caller.Tenant, file.Part));

    private static async Task<MultipartSection?> Next(MultipartReader form, CancellationToken cancellationToken)
    {
        try
        {
            return await form.ReadNextSectionAsync(cancellationToken);
        }
        catch (Exception broken) when (broken is IOException or InvalidDataException && broken is not BadHttpRequestException)
        {
            throw new MalformedBodyException($"The form breaks off or is broken: {broken.Message}");
        }
    }

    private static async Task<string> ReadText(string name, MultipartSection section, CancellationToken cancellationToken)
    {
        await using var body = new UploadStream(section.Body, long.MaxValue);
        var bytes = new byte[LongestField + 1];
        var count = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken);
        return count <= LongestField
            ? Encoding.UTF8.GetString(bytes, 0, count)
            : throw new MalformedBodyException($"{Short(name)}: has more than {LongestField} bytes.", param: Short(name));
    }

    private static string Short(string name) => name.Length <= 64 ? name : name[..64];

    /// <summary>Does its best: what stays is never shown, and goes within two days.</summary>
    private async Task TakeBack(FileId id)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15), cluster.Time);
        try
        {
            await cluster.Repeat(() => Shelf(id).Remove(id), patience.Token);
        }
        catch (Exception exception) when (ClusterCalls.IsTransient(exception) || exception is OperationCanceledException or IOException)
        {
            return;
        }
    }
}
