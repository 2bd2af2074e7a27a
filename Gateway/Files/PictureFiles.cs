using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Files;

/// <summary>Puts the caller's uploaded pictures where a request names them; the same limits hold as for pictures in the request itself.</summary>
internal sealed class PictureFiles(ClusterCalls cluster, IBlobStore blobs, Caller caller)
{
    /// <summary>The request with all its pictures in it. What is not there, or no picture, is an error that says where it was named.</summary>
    public async Task<ItemRequest> Load(ItemRequest request, List<ItemError> errors, CancellationToken cancellationToken)
    {
        if (!(request.Pictures ?? []).Concat((request.Turns ?? []).SelectMany(turn => turn.Parts).Select(part => part.Picture)).Any(picture => picture?.Named is not null))
            return request;
        var pictures = new List<RequestPicture>();
        foreach (var picture in request.Pictures ?? []) pictures.Add(await Load(picture, errors, cancellationToken));
        var turns = new List<RequestTurn>();
        foreach (var turn in request.Turns ?? [])
        {
            var parts = new List<RequestPart>();
            foreach (var part in turn.Parts) parts.Add(part.Picture is { } picture ? part with { Picture = await Load(picture, errors, cancellationToken) } : part);
            turns.Add(turn with { Parts = parts });
        }

        return request with { Pictures = request.Pictures is null ? null : pictures, Turns = request.Turns is null ? null : turns };
    }

    /// <summary>After an error the picture stays unread: the request goes no further.</summary>
    private async Task<RequestPicture> Load(RequestPicture picture, List<ItemError> errors, CancellationToken cancellationToken)
    {
        if (picture.Named is not { } id) return picture;
        var file = await cluster.Repeat(() => cluster.Grain<IFileShelf>(IFileShelf.KeyOf(caller.Tenant, id.Part)).Find(id), cancellationToken);
        if (file is { Purpose: FilePurpose.Batch }) return Refuse("is a file of the purpose \"batch\": pictures have \"vision\" or \"user_data\".");
        if (file is { Bytes: > RequestLimits.PictureBytes }) return Refuse(PictureReader.TooLarge);
        var bytes = file is null ? null : await blobs.ReadAsync(BlobKeys.File(caller.Tenant, id), cancellationToken);
        if (bytes is null) return Refuse($"names the file \"{id}\", and there is none.");
        return PictureReader.Load(bytes, picture.Path, errors) ?? picture;

        RequestPicture Refuse(string message)
        {
            errors.Add(new(picture.Path, message));
            return picture;
        }
    }
}
