using System.Globalization;
using System.Text;
using Emu3.Gateway.Access;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Reference;
using Emu3.Gateway.Usage;
using Emu3.Grains.Interfaces;
using Microsoft.Net.Http.Headers;

namespace Emu3.Gateway.Endpoints;

/// <summary><c>GET /v1/usage</c>: what the caller's tenant used; for admins, what everyone did.</summary>
internal static class UsageRecords
{
    private const string Csv = "text/csv";
    private const int MaxDays = 92;

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/usage", Get)
        .Tell(ApiGroups.Usage, "Read what was used", "By the caller's tenant; for admins, by everyone. A job counts on the day that it was accepted, once it has ended.")
        .AsksDay("from", $"The first day, as 2026-11-28, {MaxDays} days at most before the last; 30 days where nothing is said.").AsksDay("to", "The last day; today where nothing is said.")
        .Asks("by", "A line for each key and day, or for each job.", "key", "job").Asks("format", "csv, also by the header Accept: text/csv.", "json", "csv")
        .Asks("tenant", "Only this one.").Gives<UsageList>().GivesFile(Csv, "The same, as a table.");

    private static async Task<IResult> Get(HttpRequest request, Caller caller, UsageReader ledger, TimeProvider time, CancellationToken cancellationToken)
    {
        var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        if (!TryReadDay(request, "to", today, out var to)) return WrongDay("to");
        if (!TryReadDay(request, "from", to.AddDays(-Math.Min(30, to.DayNumber)), out var from)) return WrongDay("from");
        if (from > to || to.DayNumber - from.DayNumber >= MaxDays)
            return FailureResponses.BadRequest([new("from", $"must not be after to, and {MaxDays} days at most before its end.")]);
        var isByJob = false;
        switch (request.Query["by"].ToString())
        {
            case "" or "key": break;
            case "job": isByJob = true; break;
            default: return FailureResponses.BadRequest([new("by", "must be \"key\" or \"job\".")]);
        }
        var isCsv = request.Query["format"] == "csv";
        if (!isCsv && request.Query["format"].ToString() is not ("" or "json")) return FailureResponses.BadRequest([new("format", "must be \"json\" or \"csv\".")]);
        isCsv |= request.Query["format"].Count == 0 && request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals(Csv, StringComparison.OrdinalIgnoreCase));

        var tenant = request.Query["tenant"].ToString();
        if (tenant.Length > 0 && tenant != caller.Tenant && !caller.IsAdmin) return FailureResponses.NotAdmin();
        IReadOnlyList<string> tenants = tenant.Length > 0 ? [tenant] : caller.IsAdmin ? await ledger.ReadTenants(cancellationToken) : [caller.Tenant];
        if (tenant.Length > 0 && !KeyRequest.IsTenant(tenant)) return FailureResponses.BadRequest([new("tenant", "is not the name of a tenant.")]);
        var lines = Lines(await ledger.Read(tenants, from, to, cancellationToken), isByJob);
        return isCsv ? AsCsv(lines) : new JsonAnswer<UsageList>(new(Text(from), Text(to), lines));
    }

    private static List<UsageAnswer> Lines(IReadOnlyList<JobUsage> jobs, bool isByJob) => isByJob
        ? [.. jobs.Select(job => UsageAnswer.Of([job], isOneJob: true))]
        : [.. jobs.GroupBy(job => (UsageAnswer.DayOf(job), job.Tenant, job.Key)).Select(line => UsageAnswer.Of([.. line], isOneJob: false))];

    private static IResult AsCsv(IEnumerable<UsageAnswer> lines)
    {
        var text = new StringBuilder(UsageAnswer.CsvHeader).Append("\r\n");
        foreach (var line in lines) text.Append(line.Csv()).Append("\r\n");
        return Results.Text(text.ToString(), new MediaTypeHeaderValue(Csv) { Charset = "utf-8" }.ToString(), Encoding.UTF8);
    }

    private static bool TryReadDay(HttpRequest request, string name, DateOnly usual, out DateOnly day)
    {
        day = usual;
        return request.Query[name].ToString() is not { Length: > 0 } text
            || DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out day) && day < DateOnly.MaxValue;
    }

    private static string Text(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static FailureResponse WrongDay(string name) => FailureResponses.BadRequest([new(name, "must be a day as 2026-11-28.")]);
}
