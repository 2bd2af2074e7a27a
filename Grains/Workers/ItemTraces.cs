using System.Diagnostics;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Workers;

/// <summary>
/// Spans of items: each lease of an item is one, a child of the request that submitted its job, however much later and after whatever restarts it runs.
/// Names and attributes are those of OpenTelemetry's conventions for generative AI; no prompt and no answer among them.
/// </summary>
internal static class ItemTraces
{
    private static readonly ActivitySource s_source = new("Emu3.Grains");

    /// <summary>Begins an item's span; null when nobody listens.</summary>
    public static Activity? Start(ItemRun run)
    {
        if (!s_source.HasListeners()) return null;
        var operation = run.Lease.Spec.Image is null ? "chat" : "generate_content";

        // Whatever runs around here is no part of the item's story: the worker's loop serves all of them.
        ActivityContext.TryParse(run.TraceParent, null, isRemote: true, out var submission);
        Activity.Current = null;
        var span = s_source.StartActivity($"{operation} {run.Model}", ActivityKind.Consumer, submission);
        if (span is null) return null;
        span.SetTag("gen_ai.operation.name", operation).SetTag("gen_ai.provider.name", "emu3").SetTag("gen_ai.request.model", run.Model)
            .SetTag("emu3.job.id", run.Job.Value).SetTag("emu3.item.index", run.Lease.Item).SetTag("emu3.item.epoch", run.Lease.Epoch);
        return run.Lease.Spec.Image is { } image ? Describe(span, run.Lease.Spec, image) : Describe(span, run.Lease.Spec, run.Lease.Spec.Chat!);
    }

    /// <summary>The engine will go on after so many tokens.</summary>
    public static void Resumed(Activity? span, int tokenCount)
    {
        if (tokenCount > 0) span?.SetTag("emu3.item.resumed_tokens", tokenCount);
    }

    public static void Completed(Activity? span, ItemResult result) => span?
        .SetTag("gen_ai.usage.input_tokens", result.PromptTokens).SetTag("gen_ai.usage.output_tokens", result.GeneratedTokens)
        .SetTag("gen_ai.response.finish_reasons", new[] { result.CameToItsEnd ? "stop" : "length" })
        .SetStatus(ActivityStatusCode.Ok);

    public static void Failed(Activity? span, FailureCode code) => span?.SetTag("error.type", code.ToString()).SetStatus(ActivityStatusCode.Error);

    /// <summary>It left the worker without an end: another lease makes it, under a span of its own.</summary>
    public static void Left(Activity? span, ItemRunner.End end) => span?.SetTag("emu3.item.left", end == ItemRunner.End.GivenBack ? "given_back" : "dropped");

    private static Activity Describe(Activity span, ItemSpec item, ImageSpec image) => Describe(span, item)
        .SetTag("gen_ai.output.type", "image")
        .SetTag("emu3.image.latent_size", $"{image.LatentWidth}x{image.LatentHeight}").SetTag("emu3.image.guidance_scale", image.GuidanceScale);

    private static Activity Describe(Activity span, ItemSpec item, ChatSpec chat) => Describe(span, item)
        .SetTag("gen_ai.output.type", "text").SetTag("gen_ai.request.max_tokens", chat.MaxNewTokens);

    private static Activity Describe(Activity span, ItemSpec item) => span
        .SetTag("gen_ai.request.seed", unchecked((long)item.Seed)).SetTag("gen_ai.request.temperature", item.Sampling.Temperature)
        .SetTag("gen_ai.request.top_k", item.Sampling.TopK).SetTag("gen_ai.request.top_p", item.Sampling.TopP);
}
