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

/// <summary>
/// <c>POST /v1/responses</c>, as OpenAI's clients speak it, with and without <c>stream</c>. It is chat in other words: the same item, the same job. Nothing is
/// stored, so every request brings its whole conversation.
/// </summary>
internal static class Responses
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/v1/responses", Create).WithMetadata(new RequestSizeLimitAttribute(JobBody.LongestPart))
            .Tell(ApiGroups.Chat, "Ask about pictures, or in text alone, as a response",
                "The part of OpenAI's Responses API that needs no memory: `previous_response_id`, `conversation`, `background` and tools are refused, and `store` is false in every answer.")
            .HearsIdempotencyKey().Takes(RequestShapes.Response).Gives<ResponseAnswer>()
            .GivesEvents("With `stream`: `response.created` and `response.in_progress`, the message and its text in pieces, then `response.completed`, `response.incomplete` or `response.failed`; "
                + "or an event `error`, after which the connection is aborted.",
                [.. ResponseEvents.Names.Select(name => EventShape.Of<ResponseEvent>(name))]);

    private static Task<IResult> Create(HttpContext http, InteractiveRequest request) => request.Run(http, Read, Answer,
        stream: (job, body) => Stream(job, body, CancellationToken.None));

    internal static (bool IsStreamed, ItemRequest Item, ResponseRequest Body) Read(JsonElement body, List<ItemError> errors)
    {
        var fields = new FieldReader(body, "", errors);
        var isStreamed = fields.Flag("stream") ?? false;
        if (fields.Raw("stream_options") is { } element)
        {
            var options = new FieldReader(element, "stream_options", errors);
            options.Ignore("include_obfuscation");
            options.Close();
        }

        var request = ResponseRequest.Read(fields, errors, mayStream: true);
        return (isStreamed, request.Item, request);
    }

    private static async Task<IResult> Answer(InteractiveJob job, ResponseRequest request, CancellationToken cancellationToken)
    {
        var outcome = (await job.Wait(cancellationToken))[0];
        if (outcome.Failure is { } failure) return FailureResponses.Of(failure);
        if (outcome.Result is not { } result) return FailureResponses.Cancelled();
        var text = Encoding.UTF8.GetString(await job.Read(outcome, cancellationToken));
        return new JsonAnswer<ResponseAnswer>(Ended(Begun(job, request), MessageIdOf(job), result, text));
    }

    private static async IAsyncEnumerable<ServerSentEvent> Stream(
        InteractiveJob job, ResponseRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var _ = job;
        var begun = Begun(job, request);
        var events = new ResponseEvents(begun, MessageIdOf(job));
        ItemOutcome? outcome = null;
        foreach (var told in events.Begin()) yield return Of(told);
        await foreach (var piece in job.ReadText(ended => outcome = ended, cancellationToken))
            foreach (var told in events.Add(piece)) yield return Of(told);

        if (outcome?.Failure is { } failure) yield return Of(events.Fail(ErrorOf(failure)));
        else if (outcome?.Result is not { } result) yield return ServerSentEvent.Of(FailureResponses.Cancelled().Answer, "error");
        else foreach (var told in events.Complete(Ended(begun, MessageIdOf(job), result, events.Text))) yield return Of(told);

        static ServerSentEvent Of(ResponseEvent told) => ServerSentEvent.Of(told, told.Type) with { IsEnd = ResponseEvents.IsEnd(told.Type) };
    }

    private static string DigitsOf(InteractiveJob job) => job.Id.Value["job_".Length..];

    private static string MessageIdOf(InteractiveJob job) => $"msg_{DigitsOf(job)}";

    private static ResponseAnswer Begun(InteractiveJob job, ResponseRequest request) =>
        Begun(job.Spec, job.First, DigitsOf(job)) with { Instructions = request.Instructions, Metadata = request.Metadata };

    /// <summary>A response before its first token; with what was resolved, not with what was asked for.</summary>
    internal static ResponseAnswer Begun(JobSpec job, ItemSpec item, string digits) => new()
    {
        Id = $"resp_{digits}",
        CreatedAt = job.CreatedAt.ToUnixTimeSeconds(),
        MaxOutputTokens = item.Chat!.MaxNewTokens,
        Model = job.Model,
        Temperature = item.Sampling.Temperature,
        TopP = item.Sampling.TopP,
        Metadata = new Dictionary<string, string>(),
    };

    internal static ResponseAnswer Ended(ResponseAnswer begun, string messageId, ItemResult result, string text)
    {
        var status = result.CameToItsEnd ? ResponseStatus.Completed : ResponseStatus.Incomplete;
        return begun with
        {
            Status = status,
            IncompleteDetails = result.CameToItsEnd ? null : new("max_output_tokens"),
            Output = [new(messageId, status, [new(text)])],
            Usage = new(result.PromptTokens, result.GeneratedTokens, result.PromptTokens + result.GeneratedTokens,
                new(result.PromptTokens - result.PromptImageTokens, result.PromptImageTokens)),
        };
    }

    /// <summary>Our codes are not in OpenAI's list: the nearest of theirs, and our own sentence.</summary>
    internal static ResponseError ErrorOf(ItemFailure failure) => new(failure.Code switch
    {
        FailureCode.PictureNotReadable => "image_parse_error",
        < FailureCode.NoWorker => "invalid_prompt",
        _ => "server_error",
    }, failure.Message);
}
