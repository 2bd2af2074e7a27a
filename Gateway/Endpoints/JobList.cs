using System.Globalization;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Jobs;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Endpoints;

/// <summary><c>GET /v1/jobs</c>: the jobs there are, newest first.</summary>
internal static class JobList
{
    private const int Usual = 20;
    private const int Most = 100;

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/jobs", List).Tell(ApiGroups.Jobs, "List jobs, newest first")
        .AsksLimit(Usual, Most).Asks("after", "The `next` of the page before, or the id of a job.").Asks("status", "Only those.", [.. Enum.GetValues<JobStatus>().Select(Name)]).Gives<JobPage>();

    private static async Task<IResult> List(HttpRequest request, JobListing listing, CancellationToken cancellationToken)
    {
        var limit = Usual;
        if (request.Query["limit"].ToString() is { Length: > 0 } number
            && (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > Most))
            return FailureResponses.BadRequest([new("limit", $"must be a whole number from 1 to {Most}.")]);
        JobStatus? status = null;
        if (request.Query["status"].ToString() is { Length: > 0 } word)
        {
            if (!Enum.GetValues<JobStatus>().Any(known => Name(known) == word))
                return FailureResponses.BadRequest([new("status", $"must be one of {string.Join(", ", Enum.GetValues<JobStatus>().Select(Name))}.")]);
            status = Enum.GetValues<JobStatus>().Single(known => Name(known) == word);
        }

        CatalogEntry? after = null;
        if (request.Query["after"].ToString() is { Length: > 0 } place && (after = await listing.Find(place, cancellationToken)) is null)
            return FailureResponses.BadRequest([new("after", "must be the id of a job, or the \"next\" of the page before.")]);
        var (jobs, next) = await listing.Read(after, limit, status, cancellationToken);
        return new JsonAnswer<JobPage>(new([.. jobs.Select(JobAnswer.Of)], next is null ? null : JobListing.Text(next)));
    }

    private static string Name(JobStatus status) => status.ToString().ToLowerInvariant();
}
