using System.Text.Json.Serialization;
using Emu3.Gateway.Batches;

namespace Emu3.Gateway.Contracts;

/// <summary>OpenAI's <c>batch</c>. Times are Unix seconds.</summary>
internal sealed record BatchAnswer
{
    public required string Id { get; init; }
    public string Object { get; } = "batch";
    public required string Endpoint { get; init; }

    /// <summary>Null until the batch has a job.</summary>
    public string? Model { get; init; }

    /// <summary>Of a batch that failed its validation.</summary>
    public BatchErrors? Errors { get; init; }
    public required string InputFileId { get; init; }
    public required string CompletionWindow { get; init; }
    public required BatchStatus Status { get; init; }
    public string? OutputFileId { get; init; }
    public string? ErrorFileId { get; init; }
    public required long CreatedAt { get; init; }
    public long? InProgressAt { get; init; }

    /// <summary>Null where batches don't expire: they then run on until all is done.</summary>
    public long? ExpiresAt { get; init; }
    public long? FinalizingAt { get; init; }
    public long? CompletedAt { get; init; }
    public long? FailedAt { get; init; }
    public long? ExpiredAt { get; init; }
    public long? CancellingAt { get; init; }
    public long? CancelledAt { get; init; }
    public required BatchCounts RequestCounts { get; init; }
    public required BatchUsageAnswer Usage { get; init; }
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>Ours: the job that does the work, for the native API. Null until there is one.</summary>
    public string? JobId { get; init; }

    /// <summary>Ours: "report" where bad lines are told in the error file and the others run. Left out where a bad line fails the batch.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? OnInvalidLine { get; init; }

    /// <summary>Ours: it will take longer than its window. Left out when it will not, or nobody knows.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Warning { get; init; }

    /// <summary>Ours: how it stands with the notice of its end. Left out where it names no webhook.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public WebhookAnswer? Webhook { get; init; }

    public static BatchAnswer Of(BatchState batch, DateTimeOffset now) => new()
    {
        Id = batch.Info.Id.Value,
        Endpoint = batch.Info.Endpoint,
        Model = batch.Job?.Spec.Model,
        Errors = batch.Info.Errors.Count > 0 ? new([.. batch.Info.Errors.Select(error => new BatchErrorAnswer(error.Code, error.Line, error.Message, error.Param))]) : null,
        InputFileId = batch.Info.InputFile.Value,
        CompletionWindow = batch.Info.Window,
        Status = batch.Status,
        OutputFileId = batch.OutputFile?.Value,
        ErrorFileId = batch.ErrorFile?.Value,
        CreatedAt = batch.Info.CreatedAt.ToUnixTimeSeconds(),
        InProgressAt = batch.InProgressAt?.ToUnixTimeSeconds(),
        ExpiresAt = batch.Info.ExpiresAt?.ToUnixTimeSeconds(),
        FinalizingAt = batch.CompletedAt?.ToUnixTimeSeconds(),
        CompletedAt = batch.CompletedAt?.ToUnixTimeSeconds(),
        FailedAt = batch.FailedAt?.ToUnixTimeSeconds(),
        ExpiredAt = batch.ExpiredAt?.ToUnixTimeSeconds(),
        CancellingAt = batch.CancellingAt?.ToUnixTimeSeconds(),
        CancelledAt = batch.CancelledAt?.ToUnixTimeSeconds(),
        RequestCounts = new(batch.Requests.Total, batch.Requests.Completed, batch.Requests.Failed),
        Usage = new(batch.Info.Usage.InputTokens, batch.Info.Usage.OutputTokens),
        Metadata = batch.Info.Metadata,
        JobId = batch.Job?.Id.Value,
        OnInvalidLine = batch.Info.ReportsInvalidLines ? BatchRequest.Report : null,
        Warning = batch.WarningAt(now),
        Webhook = WebhookAnswer.Of(batch.Webhook),
    };
}

/// <summary>Requests by how they ended.</summary>
internal sealed record BatchCounts(int Total, int Completed, int Failed);

/// <summary>Tokens of the requests that are done.</summary>
internal sealed record BatchUsageAnswer(long InputTokens, long OutputTokens)
{
    public long TotalTokens => InputTokens + OutputTokens;
    public CachedTokens InputTokensDetails { get; } = new(0);
    public ReasoningTokens OutputTokensDetails { get; } = new(0);
}

/// <summary>None comes from a cache.</summary>
internal sealed record CachedTokens([property: JsonPropertyName("cached_tokens")] int Count);

/// <summary>None is spent on thinking.</summary>
internal sealed record ReasoningTokens([property: JsonPropertyName("reasoning_tokens")] int Count);

/// <summary>What is wrong with a batch's lines.</summary>
internal sealed record BatchErrors(IReadOnlyList<BatchErrorAnswer> Data)
{
    public string Object { get; } = "list";
}

/// <summary>One thing that is wrong; the line counts from 1, blank ones left out.</summary>
internal sealed record BatchErrorAnswer(string Code, int? Line, string Message, string? Param);

/// <summary>A line of an output or error file.</summary>
internal sealed record BatchLineAnswer(string Id, string? CustomId, BatchResponseAnswer? Response, BatchLineError? Error);

/// <summary>What the request would have been answered, had it been made by itself.</summary>
internal sealed record BatchResponseAnswer(int StatusCode, string RequestId, object Body);

/// <summary>Why there is no answer.</summary>
internal sealed record BatchLineError(string Code, string Message);
