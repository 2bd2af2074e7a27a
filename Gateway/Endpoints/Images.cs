using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Emu3.Gateway.Access;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Jobs;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Microsoft.AspNetCore.Mvc;

namespace Emu3.Gateway.Endpoints;

/// <summary><c>POST /v1/images/generations</c>, as OpenAI's clients speak it, with and without <c>stream</c>.</summary>
internal static class Images
{
    /// <summary>As OpenAI has it; more go into a job.</summary>
    internal const int MaxSamples = 10;

    /// <summary>As OpenAI has it.</summary>
    private const int MaxPreviews = 3;

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/v1/images/generations", Generate).WithMetadata(new RequestSizeLimitAttribute(1 << 20))
            .Tell(ApiGroups.Images, "Draw pictures", $"Up to {MaxSamples} pictures of one prompt, in the answer itself. With `stream`, previews and one picture as events.")
            .HearsIdempotencyKey().Takes(RequestShapes.Image).Gives<ImagesAnswer>()
            .GivesEvents("With `stream`: `image_generation.partial_image` for each preview, then `image_generation.completed`; or an event `error`, after which the connection is aborted.",
                EventShape.Of<ImageEvent>(ImageEvent.Partial), EventShape.Of<ImageEvent>(ImageEvent.Completed));

    private static Task<IResult> Generate(HttpContext http, InteractiveRequest request, PicturePreviews previews, SignedAddresses addresses) => request.Run(http, ReadInBounds,
        answer: (job, way, cancellationToken) => Answer(job, way.IsAddress ? addresses : null, http.Request, cancellationToken),
        stream: (job, way) => Stream(job, previews, way.PreviewCount, CancellationToken.None));

    private static (bool IsStreamed, ItemRequest Item, PictureWay Way) ReadInBounds(JsonElement body, List<ItemError> errors)
    {
        var (isStreamed, item, way) = Read(body, errors);
        if (item.SampleCount > MaxSamples) errors.Add(new("n", $"is {item.SampleCount}; {MaxSamples} are allowed here, and more in a job."));
        if (isStreamed && item.SampleCount > 1) errors.Add(new("n", $"is {item.SampleCount}; a stream has 1 picture."));
        return (isStreamed, item, way);
    }

    internal static (bool IsStreamed, ItemRequest Item, PictureWay Way) Read(JsonElement body, List<ItemError> errors)
    {
        var fields = new FieldReader(body, "", errors);
        var (isStreamed, way) = ReadWay(fields);
        return (isStreamed, OpenAiBodies.ReadImage(fields, isAnsweredInPlace: true), way);
    }

    private static (bool IsStreamed, PictureWay Way) ReadWay(FieldReader fields)
    {
        var isStreamed = fields.Flag("stream") ?? false;
        var previewCount = fields.Whole("partial_images", 0, MaxPreviews) ?? 0;
        var isAddress = fields.Choice("response_format", ("b64_json", false), ("url", true)) ?? false;
        if (previewCount > 0 && !isStreamed) fields.Error("partial_images", $"is {previewCount}, and only a stream has previews: set stream to true.");
        if (isAddress && isStreamed) fields.Error("response_format", "must be \"b64_json\" in a stream.");
        return (isStreamed, new(previewCount, isAddress));
    }

    private static async Task<IResult> Answer(
        InteractiveJob job, SignedAddresses? addresses, HttpRequest request, CancellationToken cancellationToken)
    {
        var outcomes = await job.Wait(cancellationToken);
        if (RefusalOf(outcomes) is { } refusal) return refusal;
        var pictures = new List<ImageAnswer>();
        foreach (var outcome in outcomes)
        {
            var address = addresses is null ? null : (await addresses.OfFile(job.Id, job.Spec.Tenant, outcome, request, cancellationToken)).Address;
            var file = address is null ? Convert.ToBase64String(await job.Read(outcome, cancellationToken)) : null;
            pictures.Add(new(file, address, SeedOf(outcome), outcome.Spec.SampleIndex));
        }
        job.IsKept = addresses is not null;
        var image = outcomes[0].Spec.Image!;
        return new JsonAnswer<ImagesAnswer>(new()
        {
            Created = CreatedAt(job),
            Data = pictures,
            OutputFormat = OutcomeAnswer.FormatOf(image.Format),
            Size = SizeOf(image, job.Spec.SpatialFactor),
            Usage = UsageOf([.. outcomes.Select(outcome => outcome.Result!)]),
        });
    }

    private static async IAsyncEnumerable<ServerSentEvent> Stream(
        InteractiveJob job, PicturePreviews previews, int previewCount, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var _ = job;
        var (image, index) = (job.First.Image!, 0);
        await foreach (var file in previews.Show(job, previewCount, cancellationToken))
            yield return Told(Event(ImageEvent.Partial, file) with { PartialImageIndex = index++ });

        var outcomes = await job.Wait(cancellationToken);
        if (RefusalOf(outcomes) is { } refusal)
        {
            yield return ServerSentEvent.Of(refusal.Answer, "error");
            yield break;
        }

        var completed = Event(ImageEvent.Completed, await job.Read(outcomes[0], cancellationToken));
        completed = completed with { Usage = UsageOf([outcomes[0].Result!]), Seed = SeedOf(outcomes[0]), Sample = outcomes[0].Spec.SampleIndex };
        yield return Told(completed) with { IsEnd = true };

        static ServerSentEvent Told(ImageEvent told) => ServerSentEvent.Of(told, told.Type);

        ImageEvent Event(string type, byte[] file) => new()
        {
            Type = type,
            B64Json = Convert.ToBase64String(file),
            CreatedAt = CreatedAt(job),
            Size = SizeOf(image, job.Spec.SpatialFactor),
            OutputFormat = OutcomeAnswer.FormatOf(image.Format),
        };
    }

    private static long CreatedAt(InteractiveJob job) => job.Spec.CreatedAt.ToUnixTimeSeconds();

    /// <summary>Why there is no picture; null when all are there.</summary>
    private static FailureResponse? RefusalOf(IReadOnlyList<ItemOutcome> outcomes) =>
        outcomes.FirstOrDefault(outcome => outcome.Failure is not null)?.Failure is { } failure ? FailureResponses.Of(failure)
        : outcomes.Any(outcome => outcome.Status != ItemStatus.Done) ? FailureResponses.Cancelled()
        : null;

    internal static string SizeOf(ImageSpec image, int spatialFactor) => new LatentSize(image.LatentHeight, image.LatentWidth).InPixels(spatialFactor);

    internal static string SeedOf(ItemOutcome outcome) => outcome.Spec.Seed.ToString(CultureInfo.InvariantCulture);

    internal static ImagesUsage UsageOf(IReadOnlyList<ItemResult> results)
    {
        var (input, output) = (results.Sum(result => result.PromptTokens), results.Sum(result => result.GeneratedTokens));
        return new(input + output, input, output, new(input, 0), new(0, output));
    }

    /// <summary>How the picture comes back.</summary>
    internal readonly record struct PictureWay(int PreviewCount, bool IsAddress);
}
