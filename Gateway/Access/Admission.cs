using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Access;

/// <summary>Lets the caller's work into the cluster, or says when there will be room for it.</summary>
internal sealed class Admission(ClusterCalls cluster, QueueView queue, Caller caller, GatewayHostOptions options)
{
    /// <summary>When no worker has shown a rate yet.</summary>
    private static readonly TimeSpan s_unknownWait = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Asks for room for outputs, some of them pictures, and counts them where it is given. What is more than a bound by itself never fits, and is refused for good.
    /// </summary>
    public async Task<FailureResponse?> Ask(int outputs, int images, CancellationToken cancellationToken)
    {
        var quotas = caller.Key?.Quotas ?? KeyQuotas.None;
        if (outputs > options.MostQueuedItems) return FailureResponses.BeyondBound(outputs, "outputs", options.MostQueuedItems.Value, "the cluster lets wait");
        if (outputs > quotas.QueuedItems) return FailureResponses.BeyondBound(outputs, "outputs", quotas.QueuedItems.Value, "this key's tenant may have waiting");
        if (images > quotas.ImagesAnHour) return FailureResponses.BeyondBound(images, "pictures", quotas.ImagesAnHour.Value, "this key may ask for within an hour");
        if (await AskQueue(outputs, quotas, cancellationToken) is { } full) return full;
        if (await AskMeter(images, quotas, cancellationToken) is not { } tooMany) return null;
        if (LooksAtQueue(quotas)) await queue.Leave(caller.Tenant, outputs);
        return tooMany;
    }

    private async Task<FailureResponse?> AskQueue(int outputs, KeyQuotas quotas, CancellationToken cancellationToken)
    {
        if (!LooksAtQueue(quotas)) return null;
        return await queue.Enter(caller.Tenant, outputs, options.MostQueuedItems, quotas.QueuedItems, cancellationToken) is { } full
            ? FailureResponses.QueueFull(full.IsOfTenant, full.Wait ?? s_unknownWait)
            : null;
    }

    private bool LooksAtQueue(KeyQuotas quotas) => options.MostQueuedItems is not null || quotas.QueuedItems is not null;

    private async Task<FailureResponse?> AskMeter(int images, KeyQuotas quotas, CancellationToken cancellationToken)
    {
        if (images == 0 || caller.Key is not { } key || quotas.ImagesAnHour is not { } limit) return null;
        var reading = await cluster.Repeat(() => cluster.Grain<IKeyMeter>(key.Id).Take(images, limit, caller.Request), cancellationToken);
        caller.Limit = new(limit, Math.Max(0, limit - reading.Used), reading.EmptyAfter);
        return reading.IsTaken ? null : FailureResponses.TooManyImages(limit, reading.FitsAfter);
    }
}

/// <summary>What a key may still ask for, told in <c>x-ratelimit-*</c>.</summary>
/// <param name="Limit">Pictures an hour.</param>
/// <param name="Remaining">Of these.</param>
/// <param name="Reset">When all of them are there again.</param>
internal sealed record RateLimit(int Limit, int Remaining, TimeSpan Reset)
{
    /// <summary>Adds the headers as OpenAI writes them.</summary>
    public void Write(IHeaderDictionary headers)
    {
        var seconds = (long)Math.Ceiling(Reset.TotalSeconds);
        headers["x-ratelimit-limit-requests"] = Invariant($"{Limit}");
        headers["x-ratelimit-remaining-requests"] = Invariant($"{Remaining}");
        headers["x-ratelimit-reset-requests"] = seconds < 60 ? Invariant($"{seconds}s") : Invariant($"{seconds / 60}m{seconds % 60}s");
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
