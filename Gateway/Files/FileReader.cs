using Emu3.Gateway.Access;
using Emu3.Gateway.Batches;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Grains.Interfaces;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Files;

/// <summary>Finds and lists the caller's files: what was uploaded, and what batches give. What belongs to another is not there.</summary>
internal sealed class FileReader(ClusterCalls cluster, BatchReader batches, SignedAddresses addresses, IBlobStore blobs, Caller caller)
{
    /// <summary>The upload, or null when there is none of that id.</summary>
    public async Task<UploadedFile?> FindUpload(FileId id, CancellationToken cancellationToken) => id.Batch is null
        ? await cluster.Repeat(() => cluster.Grain<IFileShelf>(IFileShelf.KeyOf(caller.Tenant, id.Part)).Find(id), cancellationToken)
        : null;

    /// <summary>Where it stands in the list; null when there is no such file.</summary>
    public async Task<FilePlace?> FindPlace(FileId id, CancellationToken cancellationToken)
    {
        if (await FindUpload(id, cancellationToken) is { } file) return PlaceOf(file);
        return id.Batch is { } batch && await batches.Find(batch, cancellationToken) is { } found ? new(found.Info.CreatedAt, id.Value) : null;
    }

    /// <summary>A page of files.</summary>
    /// <param name="after">It begins behind this; null for the first.</param>
    /// <param name="limit">Files at most.</param>
    /// <param name="isNewestFirst">The order.</param>
    /// <param name="purpose">Only those, by the word of the API; null for all.</param>
    /// <param name="request">Who asks.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<ListPage<FileAnswer>> List(FilePlace? after, int limit, bool isNewestFirst, string? purpose, HttpRequest request, CancellationToken cancellationToken)
    {
        var files = new List<(FilePlace Place, FileAnswer File)>();
        if (purpose != FileAnswer.BatchOutput)
            foreach (var file in await ListUploads(after, limit + 1, isNewestFirst, purpose is null ? null : FileFields.PurposeOf(purpose), cancellationToken))
                files.Add((PlaceOf(file), FileAnswer.Of(file)));
        if (purpose is null or FileAnswer.BatchOutput)
            await foreach (var state in batches.ListAll(cancellationToken))
            {
                // The newest come first: nothing that is older than a whole page is on it.
                if (isNewestFirst && files.Count > limit && files.Count(one => one.Place.CreatedAt > state.Info.CreatedAt) > limit) break;
                foreach (var file in state.Files(addresses.StartOf(request)))
                    if (new FilePlace(state.Info.CreatedAt, file.Id) is var place && place.IsBehind(after, isNewestFirst)) files.Add((place, file));
            }

        var ordered = isNewestFirst ? files.OrderByDescending(one => one.Place, FilePlace.OldestFirst) : files.OrderBy(one => one.Place, FilePlace.OldestFirst);
        return ListPage<FileAnswer>.Of([.. ordered.Take(limit).Select(one => one.File)], file => file.Id, files.Count > limit);
    }

    /// <summary>The bytes of an upload, or null when they are gone.</summary>
    public Task<Stream?> Open(UploadedFile file, CancellationToken cancellationToken) => blobs.OpenReadAsync(BlobKeys.File(caller.Tenant, file.Id), cancellationToken);

    /// <summary>Removes an upload. False when there was none.</summary>
    public Task<bool> DeleteUpload(FileId id, CancellationToken cancellationToken) =>
        cluster.Repeat(() => cluster.Grain<IFileShelf>(IFileShelf.KeyOf(caller.Tenant, id.Part)).Remove(id), cancellationToken);

    private async Task<IEnumerable<UploadedFile>> ListUploads(
        FilePlace? after, int most, bool isNewestFirst, FilePurpose? purpose, CancellationToken cancellationToken) =>
        (await Task.WhenAll(Enumerable.Range(0, IFileShelf.PartCount).Select(part => cluster.Repeat(
            () => cluster.Grain<IFileShelf>(IFileShelf.KeyOf(caller.Tenant, part)).List(after, most, isNewestFirst, purpose), cancellationToken))))
        .SelectMany(files => files);

    private static FilePlace PlaceOf(UploadedFile file) => new(file.CreatedAt, file.Id.Value);
}
