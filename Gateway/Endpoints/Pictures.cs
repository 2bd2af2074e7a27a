using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Jobs;
using Emu3.Grains.Interfaces;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Endpoints;

/// <summary><c>/v1/pictures</c>: files by the addresses that answers carry (<see cref="SignedAddresses"/>).</summary>
internal static class Pictures
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/v1/pictures/{id}/{item:int:min(0)}", Get).WithMetadata(OpenRoute.Metadata);

    private static async Task<IResult> Get(
        string id, int item, long? expires, string? signature, SignedAddresses addresses, Caller caller, JobReader reader, ClusterCalls cluster, IBlobStore blobs,
        CancellationToken cancellationToken)
    {
        if (!JobId.TryParse(id, out var job) || expires is not { } until || signature is null
            || !await addresses.IsValid(job, item, until, signature, cancellationToken)) return FailureResponses.AddressNotValid();
        // The signature stands for the owner.
        if (await TenantOf(job, cluster, cancellationToken) is { } tenant) caller.Become(tenant);
        return await JobItems.Content(id, item, reader, blobs, cancellationToken);
    }

    private static async Task<string?> TenantOf(JobId job, ClusterCalls cluster, CancellationToken cancellationToken)
    {
        try
        {
            return (await cluster.Repeat(() => cluster.Grain<IGenerationJob>(job.Value).GetSnapshot(), cancellationToken)).Spec.Tenant;
        }
        catch (JobNotFoundException)
        {
            return null;
        }
    }
}
