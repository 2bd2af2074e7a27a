using Emu3.Grains.Interfaces;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;

namespace Emu3.Grains.Webhooks;

/// <summary>See <see cref="IWebhookGate"/>.</summary>
[StatelessWorker]
public sealed class WebhookGate(IOptions<WebhookOptions> options) : Grain, IWebhookGate
{
    private readonly WebhookRules _rules = new(options.Value);

    public Task<string?> Check(string url) => Task.FromResult(_rules.Check(url));
}
