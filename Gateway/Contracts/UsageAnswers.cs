using System.Globalization;
using System.Text.Json.Serialization;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Contracts;

/// <summary>What was used, by day, tenant and key, or by job.</summary>
internal sealed record UsageList(string From, string To, IReadOnlyList<UsageAnswer> Data)
{
    public string Object { get; } = "list";
}

/// <summary>One line of the ledger. Days are of UTC, and a job counts on the day that it was accepted, once it has ended.</summary>
internal sealed record UsageAnswer(string Day, string Tenant, string Key, int Jobs, int Images, int Answers, long PromptTokens, long GeneratedTokens, double DeviceSeconds)
{
    /// <summary>Names of the columns of <see cref="Csv"/>.</summary>
    public const string CsvHeader = "day,tenant,key,job,jobs,images,answers,prompt_tokens,generated_tokens,device_seconds";

    /// <summary>Of a line for one job.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Job { get; init; }

    /// <summary>Some jobs of one day, tenant and key together.</summary>
    public static UsageAnswer Of(IReadOnlyList<JobUsage> jobs, bool isOneJob)
    {
        var sum = jobs.Aggregate(default(ItemsUsage), (before, job) => before + job.Items);
        return new(DayOf(jobs[0]), jobs[0].Tenant, jobs[0].Key, jobs.Count, sum.Images, sum.Answers, sum.PromptTokens, sum.GeneratedTokens, Math.Round(sum.DeviceSeconds, 3))
        {
            Job = isOneJob ? jobs[0].Job.Value : null,
        };
    }

    public static string DayOf(JobUsage job) => job.AcceptedAt.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>As a line of comma-separated values; none of them can hold a comma.</summary>
    public string Csv() => string.Create(CultureInfo.InvariantCulture,
        $"{Day},{Tenant},{Key},{Job},{Jobs},{Images},{Answers},{PromptTokens},{GeneratedTokens},{DeviceSeconds}");
}
