using System.Globalization;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Jobs;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Microsoft.AspNetCore.Mvc;

namespace Emu3.Gateway.Endpoints;

/// <summary><c>POST /v1/images/generations</c>, as OpenAI's clients speak it.</summary>
internal static class Images
{
    /// <summary>As OpenAI has it; more go into a job.</summary>
    private const int MostSamples = 10;

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/v1/images/generations", Generate).WithMetadata(new RequestSizeLimitAttribute(1 << 20));

    private static async Task<IResult> Generate(HttpContext http, InteractiveJobs jobs, TimeProvider time)
    {
        var cancellationToken = http.RequestAborted;
        var (document, refusal) = await RequestBody.Read(http.Request, cancellationToken);
        if (document is null) return refusal!;
        using var _ = document;
        var errors = new List<ItemError>();
        var request = OpenAiBodies.ReadImage(new(document.RootElement, "", errors), isAnsweredInPlace: true);
        if (request.SampleCount > MostSamples) errors.Add(new("n", $"is {request.SampleCount}; {MostSamples} are allowed here, and more in a job."));
        if (errors.Count > 0) return FailureResponses.BadRequest(errors);

        // :: Step 1 A picture that someone waits for is a job as well: of one item, first in line, and gone when they stop waiting.
        var (job, refused) = await jobs.Start(request, cancellationToken);
        if (job is null) return refused!;
        await using (job) return await Answer(job, time, cancellationToken);
    }

    private static async Task<IResult> Answer(InteractiveJob job, TimeProvider time, CancellationToken cancellationToken)
    {
        var (snapshot, outcomes) = await job.Wait(cancellationToken);
        if (outcomes.FirstOrDefault(outcome => outcome.Failure is not null)?.Failure is { } failure) return FailureResponses.Of(failure);
        if (outcomes.Any(outcome => outcome.Status != ItemStatus.Done)) return FailureResponses.Cancelled();

        var pictures = new List<ImageAnswer>();
        foreach (var outcome in outcomes)
        {
            var file = await job.Read(outcome, snapshot, cancellationToken);
            pictures.Add(new(Convert.ToBase64String(file), outcome.Spec.Seed.ToString(CultureInfo.InvariantCulture), outcome.Spec.SampleIndex));
        }
        var image = outcomes[0].Spec.Image!;
        return new JsonAnswer<ImagesAnswer>(new()
        {
            Created = time.GetUtcNow().ToUnixTimeSeconds(),
            Data = pictures,
            OutputFormat = OutcomeAnswer.FormatOf(image.Format),
            Size = new LatentSize(image.LatentHeight, image.LatentWidth).InPixels(snapshot.Spec.SpatialFactor),
            Usage = UsageOf([.. outcomes.Select(outcome => outcome.Result!)]),
        });
    }

    private static ImagesUsage UsageOf(IReadOnlyList<ItemResult> results)
    {
        var (input, output) = (results.Sum(result => result.PromptTokens), results.Sum(result => result.GeneratedTokens));
        return new(input + output, input, output, new(input, 0), new(0, output));
    }
}
