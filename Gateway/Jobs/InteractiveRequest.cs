using System.Text.Json;
using Emu3.Gateway.Access;
using Emu3.Gateway.Endpoints;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Jobs;

/// <summary>A request whose client waits for the answer, from its body to the answer: what chat, responses and images have in common.</summary>
internal sealed class InteractiveRequest(InteractiveJobs jobs, OpenStreams streams)
{
    /// <summary>Reads the body, makes a job of it, and answers in one piece or as a stream. Whatever refuses the request does so before the job is made.</summary>
    /// <typeparam name="T">What the body says of how to answer.</typeparam>
    /// <param name="http">The request.</param>
    /// <param name="read">Reads the body; what is wrong goes into the list.</param>
    /// <param name="answer">The whole answer.</param>
    /// <param name="stream">The answer in events; disposes of the job.</param>
    public async Task<IResult> Run<T>(
        HttpContext http, Func<JsonElement, List<ItemError>, (bool IsStreamed, ItemRequest Item, T Way)> read,
        Func<InteractiveJob, T, CancellationToken, Task<IResult>> answer, Func<InteractiveJob, T, IAsyncEnumerable<ServerSentEvent>> stream)
    {
        var cancellationToken = http.RequestAborted;
        var (key, wrongKey) = IdempotencyKey.Of(http.Request);
        if (wrongKey is not null) return wrongKey;
        var (document, refusal) = await RequestBody.Read(http.Request, cancellationToken);
        if (document is null) return refusal!;
        using var _ = document;
        var errors = new List<ItemError>();
        var (isStreamed, item, way) = read(document.RootElement, errors);
        if (errors.Count > 0) return FailureResponses.BadRequest(errors);
        var place = isStreamed ? streams.Enter(http) : null;
        if (isStreamed && place is null) return FailureResponses.TooManyStreams();

        // :: Step 1 An answer that someone waits for is a job as well: of one item, first in line, and gone when they stop waiting.
        var (job, refused) = await jobs.Start(item, RequestName.Of(key, http.Request.Path, document), cancellationToken);
        if (job is null) return refused!;
        if (place is not null) return ServerSentEvents.Complete(place, stream(job, way));
        await using (job) return await answer(job, way, cancellationToken);
    }
}
