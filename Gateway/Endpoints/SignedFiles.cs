using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Jobs;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Endpoints;

/// <summary><c>/v1/pictures</c> and <c>/v1/archives</c>: files by the addresses that answers carry (<see cref="SignedAddresses"/>).</summary>
internal static class SignedFiles
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        const string Expires = "Unix seconds, as the address has it.";
        const string Signature = "As the address has it.";
        routes.MapGet("/v1/pictures/{id}/{item:int:min(0)}", GetPicture).WithMetadata(OpenRoute.Metadata)
            .Tell(ApiGroups.Images, "Read a picture by its address", "Addresses come in answers, and open without a key for a while.")
            .Asks("expires", Expires).Asks("signature", Signature).GivesFileInRanges("The picture, in its own format.", RouteText.Pictures).GivesFileInRanges("The answer to a question.", "text/plain");
        routes.MapGet("/v1/archives/{id}", GetArchive).WithMetadata(OpenRoute.Metadata)
            .Tell(ApiGroups.Jobs, "Read all files of a job by an address").Asks("expires", Expires).Asks("signature", Signature).GivesFile("application/zip", "As above.");
    }

    /// <summary>Path of an item's file.</summary>
    public static string Picture(JobId job, int item) => $"/v1/pictures/{job}/{item}";

    /// <summary>Path of all files of a job.</summary>
    public static string Archive(JobId job) => $"/v1/archives/{job}";

    private static async Task<IResult> GetPicture(
        string id, int item, HttpRequest request, SignedAddresses addresses, Caller caller, JobReader reader, ClusterCalls cluster, IBlobStore blobs,
        CancellationToken cancellationToken) =>
        await Enter(id, request, addresses, caller, cluster, cancellationToken) ?? await JobItems.Content(id, item, reader, blobs, cancellationToken);

    private static async Task<IResult> GetArchive(
        string id, HttpRequest request, SignedAddresses addresses, Caller caller, JobReader reader, ClusterCalls cluster, IBlobStore blobs,
        CancellationToken cancellationToken) =>
        await Enter(id, request, addresses, caller, cluster, cancellationToken) ?? await JobArchives.Content(id, reader, blobs, cancellationToken);

    /// <summary>The signature stands for the owner. Null when it is valid.</summary>
    private static async Task<IResult?> Enter(
        string id, HttpRequest request, SignedAddresses addresses, Caller caller, ClusterCalls cluster, CancellationToken cancellationToken)
    {
        if (!JobId.TryParse(id, out var job) || !await addresses.IsValid(request, cancellationToken)) return FailureResponses.AddressNotValid();
        try
        {
            caller.Become((await cluster.Repeat(() => cluster.Grain<IGenerationJob>(job.Value).GetSnapshot(), cancellationToken)).Spec.Tenant);
            return null;
        }
        catch (JobNotFoundException)
        {
            return FailureResponses.JobNotFound(id);
        }
    }
}
