using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Reference;

namespace Emu3.Gateway.Endpoints;

/// <summary><c>/v1/models</c>: what workers have loaded, and what jobs may name while none has.</summary>
internal static class Models
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/models", List).Tell(ApiGroups.Models, "List models").Gives<ModelList>();
        // Names may have an owner in front, with a slash.
        routes.MapGet("/v1/models/{**model}", Get).Tell(ApiGroups.Models, "Look at a model").Gives<ModelAnswer>();
    }

    private static async Task<IResult> List(ModelCatalog catalog, ServiceStart start, CancellationToken cancellationToken)
    {
        var models = await catalog.GetModels(cancellationToken);
        return new JsonAnswer<ModelList>(new([.. models.Select(model => Of(model, start))]));
    }

    private static async Task<IResult> Get(string model, ModelCatalog catalog, ServiceStart start, CancellationToken cancellationToken)
    {
        var (known, refusal) = await catalog.FindForJob(model, _ => true, cancellationToken);
        return refusal ?? (IResult)new JsonAnswer<ModelAnswer>(Of(known!, start));
    }

    private static ModelAnswer Of(KnownModel model, ServiceStart start) => new(
        model.Info.Name, start.UnixSeconds, "baai", model.Info, model.IsLoaded, model.Workers.Count, model.Workers.Sum(worker => worker.SlotCount));
}

/// <summary>When this gateway started: OpenAI's list wants a time for each model, and checkpoints have none.</summary>
internal sealed record ServiceStart(long UnixSeconds);
