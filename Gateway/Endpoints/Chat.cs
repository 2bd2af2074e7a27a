using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Jobs;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Microsoft.AspNetCore.Mvc;

namespace Emu3.Gateway.Endpoints;

/// <summary><c>POST /v1/chat/completions</c>, as OpenAI's clients speak it, with and without <c>stream</c>.</summary>
internal static class Chat
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/v1/chat/completions", Complete).WithMetadata(new RequestSizeLimitAttribute(JobBody.LongestPart))
            .Tell(ApiGroups.Chat, "Ask about pictures, or in text alone").HearsIdempotencyKey().Takes(RequestShapes.Chat).Gives<ChatAnswer>()
            .GivesEvents("With `stream`: chunks (`chat.completion.chunk`), then `[DONE]`. One that breaks off has an error as its last event, and the connection is aborted.",
                EventShape.Of<ChatChunk>(), EventShape.Done, EventShape.Of<ErrorAnswer>());

    private static Task<IResult> Complete(HttpContext http, InteractiveRequest request) => request.Run(http, Read,
        answer: (job, _, cancellationToken) => Answer(job, cancellationToken),
        stream: (job, withUsage) => Stream(job, withUsage, CancellationToken.None));

    internal static (bool IsStreamed, ItemRequest Item, bool WithUsage) Read(JsonElement body, List<ItemError> errors)
    {
        var fields = new FieldReader(body, "", errors);
        var isStreamed = fields.Flag("stream") ?? false;
        var withUsage = isStreamed && ReadStreamOptions(fields, errors);
        fields.Ignore("stream_options");
        return (isStreamed, OpenAiBodies.ReadChat(fields, errors, mayStream: true), withUsage);
    }

    private static bool ReadStreamOptions(FieldReader fields, List<ItemError> errors)
    {
        if (fields.Raw("stream_options") is not { } element) return false;
        var options = new FieldReader(element, "stream_options", errors);
        var withUsage = options.Flag("include_usage") ?? false;
        options.Ignore("include_obfuscation");
        options.Unsupported("continuous_usage_stats", "false");
        options.Close();
        return withUsage;
    }

    private static async Task<IResult> Answer(InteractiveJob job, CancellationToken cancellationToken)
    {
        var outcomes = await job.Wait(cancellationToken);
        var outcome = outcomes[0];
        if (outcome.Failure is { } failure) return FailureResponses.Of(failure);
        if (outcome.Result is not { } result) return FailureResponses.Cancelled();
        var text = Encoding.UTF8.GetString(await job.Read(outcome, cancellationToken));
        return new JsonAnswer<ChatAnswer>(new(IdOf(job), CreatedAt(job), job.Spec.Model, [new(0, new(text), ReasonOf(result))], UsageOf(result)));
    }

    private static async IAsyncEnumerable<ServerSentEvent> Stream(
        InteractiveJob job, bool withUsage, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var _ = job;
        var (created, model) = (CreatedAt(job), job.Spec.Model);
        ItemOutcome? outcome = null;
        yield return Chunk([new(0, new() { Role = "assistant", Content = "" }, null)]);
        await foreach (var piece in job.ReadText(ended => outcome = ended, cancellationToken))
            yield return Chunk([new(0, new() { Content = piece }, null)]);

        if (outcome?.Result is not { } result)
        {
            var failure = outcome?.Failure is { } known ? FailureResponses.Of(known) : FailureResponses.Cancelled();
            yield return ServerSentEvent.Of(failure.Answer);
            yield break;
        }
        yield return Chunk([new(0, new(), ReasonOf(result))]);
        if (withUsage) yield return Chunk([], UsageOf(result));
        yield return new("[DONE]"u8.ToArray(), IsEnd: true);

        ServerSentEvent Chunk(IReadOnlyList<ChatChunkChoice> choices, ChatUsage? usage = null) =>
            ServerSentEvent.Of(new ChatChunk(IdOf(job), created, model, choices) { Usage = usage });
    }

    private static string IdOf(InteractiveJob job) => $"chatcmpl-{job.Id.Value["job_".Length..]}";

    private static long CreatedAt(InteractiveJob job) => job.Spec.CreatedAt.ToUnixTimeSeconds();

    internal static string ReasonOf(ItemResult result) => result.CameToItsEnd ? "stop" : "length";

    internal static ChatUsage UsageOf(ItemResult result) => new(result.PromptTokens, result.GeneratedTokens, result.PromptTokens + result.GeneratedTokens,
        new(result.PromptTokens - result.PromptImageTokens, result.PromptImageTokens));
}
