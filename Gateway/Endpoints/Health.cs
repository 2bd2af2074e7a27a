using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces;
using Emu3.Observability;

namespace Emu3.Gateway.Endpoints;

/// <summary><c>/health</c>: whether a request could be run now. Answers within two seconds, as do the pages for probes (<see cref="HealthPages"/>).</summary>
internal static class Health
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health", Get).WithMetadata(OpenRoute.Metadata)
            .Tell(ApiGroups.Health, "Whether a request could be run now").Gives<HealthAnswer>().Gives<HealthAnswer>(StatusCodes.Status503ServiceUnavailable);
        foreach (var page in (string[])[HealthPages.LivePath, HealthPages.ReadyPath, HealthPages.StartupPath])
            routes.MapGet(page, (HttpContext http, IServiceProvider services) => HealthPages.AnswerAsync(http, services)).WithMetadata(OpenRoute.Metadata)
                .Tell(ApiGroups.Health, $"A page for probes: {page[(page.LastIndexOf('/') + 1)..]}").Gives<HealthPage>().Gives<HealthPage>(StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<IResult> Get(ClusterCalls cluster, CancellationToken cancellationToken)
    {
        try
        {
            var asked = cluster.Dispatcher.GetWorkers();
            await Task.WhenAll(asked, cluster.Grain<IPulse>(IPulse.NewKey()).Beat()).WaitAsync(s_patience, cluster.Time, cancellationToken);
            var workers = await asked;
            return workers.Count > 0
                ? new JsonAnswer<HealthAnswer>(new("ok", workers.Count, workers[0].Model.Name, null))
                : NotReady("no_worker", "The cluster is up, and no worker has a model loaded yet.");
        }
        catch (Exception exception) when (ClusterCalls.IsTransient(exception, cancellationToken))
        {
            return NotReady("starting", $"The cluster does not answer: {exception.Message}");
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return NotReady("failing", $"The cluster can't start anything new: {exception.Message}");
        }
    }

    private static JsonAnswer<HealthAnswer> NotReady(string status, string detail) =>
        new(new(status, 0, null, detail), StatusCodes.Status503ServiceUnavailable);
}
