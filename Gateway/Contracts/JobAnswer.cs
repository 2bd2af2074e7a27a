using System.Globalization;
using System.Text.Json.Serialization;
using Emu3.Gateway.Jobs;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Contracts;

/// <summary>A job as the API tells it. Times are Unix seconds, seeds decimal strings (JSON numbers lose bits beyond 2⁵³).</summary>
internal sealed record JobAnswer
{
    public required string Id { get; init; }
    public string Object { get; } = "job";
    public required string Model { get; init; }
    public required JobStatus Status { get; init; }
    public required long CreatedAt { get; init; }
    public long? StartedAt { get; init; }
    public long? EndedAt { get; init; }

    /// <summary>Why it is paused: <c>requested</c> or <c>too_many_failures</c>. Null when it is not.</summary>
    public PauseReason? PauseReason { get; init; }

    /// <summary>1, and one more with each time that its failed items were begun anew.</summary>
    public required int Attempt { get; init; }

    /// <summary>As it stands now.</summary>
    public required JobPriority Priority { get; init; }

    /// <summary>Failed items that it goes on with; one more pauses it. Null: any number.</summary>
    public int? MaxFailures { get; init; }
    public required string Seed { get; init; }
    public required JobCounts Counts { get; init; }
    public double? ItemsPerSecond { get; init; }
    public double? EtaSeconds { get; init; }

    /// <summary>Items that went on from tokens of an earlier worker.</summary>
    public int ResumedInside { get; init; }
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>What can be asked of it now.</summary>
    public required IReadOnlyList<string> Verbs { get; init; }

    /// <summary>How it stands with the notice of its end. Left out where it names no webhook.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public WebhookAnswer? Webhook { get; init; }

    public static JobAnswer Of(JobSnapshot job) => new()
    {
        Id = job.Id.Value,
        Model = job.Spec.Model,
        Status = job.Status,
        CreatedAt = job.Spec.CreatedAt.ToUnixTimeSeconds(),
        StartedAt = job.StartedAt?.ToUnixTimeSeconds(),
        EndedAt = job.EndedAt?.ToUnixTimeSeconds(),
        PauseReason = job.Status == JobStatus.Paused ? job.PauseReason : null,
        Attempt = job.Attempt,
        Priority = job.Priority,
        MaxFailures = job.Spec.MaxFailures,
        Seed = job.Spec.Seed.ToString(CultureInfo.InvariantCulture),
        Counts = new(job.Counts.Total, job.Counts.Pending, job.Counts.Running, job.Counts.Done, job.Counts.Failed, job.Counts.Cancelled),
        ItemsPerSecond = job.ItemsPerSecond,
        EtaSeconds = job.Eta?.TotalSeconds,
        ResumedInside = job.ResumedCount,
        Metadata = job.Spec.Metadata,
        Verbs = AllowedVerbs.Of(job),
        Webhook = WebhookAnswer.Of(job.Webhook),
    };
}

/// <summary>Items by where they stand; the last five add up to the total.</summary>
internal sealed record JobCounts(int Total, int Pending, int Running, int Done, int Failed, int Cancelled);
