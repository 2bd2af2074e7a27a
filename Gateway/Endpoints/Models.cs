using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Endpoints;

/// <summary><c>/v1/models</c>: what workers have loaded.</summary>
internal static class Models
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/models", List);
        // Names may have an owner in front, with a slash.
        routes.MapGet("/v1/models/{**model}", Get);
    }

    private static async Task<IResult> List(ModelCatalog catalog, ServiceStart start, CancellationToken cancellationToken)
    {
        var workers = await catalog.GetWorkers(cancellationToken);
        return new JsonAnswer<ModelList>(new([.. workers.GroupBy(worker => worker.Model.Name).Select(group => Of([.. group], start))]));
    }

    private static async Task<IResult> Get(string model, ModelCatalog catalog, ServiceStart start, CancellationToken cancellationToken)
    {
        var (workers, refusal) = await catalog.Find(model, cancellationToken);
        return refusal ?? (IResult)new JsonAnswer<ModelAnswer>(Of(workers, start));
    }

    private static ModelAnswer Of(IReadOnlyList<WorkerCard> workers, ServiceStart start) => new(
        workers[0].Model.Name, start.UnixSeconds, "baai", workers[0].Model, workers.Count, workers.Sum(worker => worker.SlotCount));
}

/// <summary>When this gateway started: OpenAI's list wants a time for each model, and checkpoints have none.</summary>
internal sealed record ServiceStart(long UnixSeconds);
