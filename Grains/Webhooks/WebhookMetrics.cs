using System.Diagnostics.Metrics;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Workers;

namespace Emu3.Grains.Webhooks;

/// <summary>What the tries of one silo add to meter <c>Emu3.Cluster</c>.</summary>
public sealed class WebhookMetrics : ILifecycleParticipant<ISiloLifecycle>
{
    private static readonly string[] s_results = ["delivered", "retried", "failed"];
    private readonly Counter<long> _tries;

    public WebhookMetrics(IMeterFactory factory) => _tries = factory.Create(WorkerMetrics.MeterName).CreateCounter<long>(
        "emu3.webhooks", "{try}", "Tries to deliver webhooks, by result: delivered, to be retried, or failed for good.");

    /// <summary>What has not happened yet is told as 0 once the silo starts, after whoever listens.</summary>
    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(nameof(WebhookMetrics), ServiceLifecycleStage.RuntimeInitialize, _ =>
    {
        foreach (var result in s_results) _tries.Add(0, ResultOf(result));
        return Task.CompletedTask;
    });

    /// <summary>A try has ended, and the notice stands so.</summary>
    public void Tried(WebhookStatus status) => _tries.Add(1, ResultOf(status switch
    {
        WebhookStatus.Delivered => s_results[0],
        WebhookStatus.Pending => s_results[1],
        _ => s_results[2],
    }));

    private static KeyValuePair<string, object?> ResultOf(string result) => new("result", result);
}
