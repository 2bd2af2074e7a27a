using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Webhooks;

/// <summary>Whether the cluster would send notices to an address, before anything is made that names it.</summary>
internal sealed class WebhookCheck(ClusterCalls cluster)
{
    /// <summary>A refusal that names the field; null when nothing is wrong, or no address is named.</summary>
    public async Task<FailureResponse?> Check(string? url, CancellationToken cancellationToken) =>
        url is not null && await cluster.Repeat(() => cluster.Grain<IWebhookGate>(0).Check(url), cancellationToken) is { } problem
            ? FailureResponses.BadRequest([new("webhook.url", problem)])
            : null;
}
