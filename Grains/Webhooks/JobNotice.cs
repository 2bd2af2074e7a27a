using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;

namespace Emu3.Grains.Webhooks;

/// <summary>What is told when a job or a batch has ended: OpenAI's events, with more in <c>data</c> than the id.</summary>
public static class JobNotice
{
    private static readonly JsonWriterOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The notice of a job that has ended; null when there is none to tell: it names no webhook, or its submission was taken back.</summary>
    /// <param name="job">The job.</param>
    /// <param name="state">Terminal.</param>
    /// <param name="batch">The batch whose work the job was; null when there is none.</param>
    public static WebhookNotice? Of(JobId job, JobState state, BatchInfo? batch)
    {
        if (state.Spec is not { Webhook: { } url } spec || state is { Status: JobStatus.Cancelled, Total: 0 }) return null;
        var (kind, status) = batch is null ? ("job", StatusOf(state)) : ("batch", StatusOf(state, batch));
        return Notice(job, state.DesiredState.Attempt, spec.Tenant, url, $"{kind}.{status}", state.EndedAt!.Value, data =>
        {
            data.WriteString("id", batch?.Id.Value ?? job.Value);
            data.WriteString("status", status);
            if (batch is not null) data.WriteString("job_id", job.Value);
            data.WriteNumber("attempt", state.DesiredState.Attempt);
            var counts = state.FinalCounts;
            if (batch is null) WriteCounts(data, "counts", ("total", state.Total), ("done", counts.Done), ("failed", counts.Failed), ("cancelled", counts.Cancelled));
            else
            {
                WriteCounts(data, "request_counts",
                    ("total", state.Total + spec.RefusedLineCount), ("completed", counts.Done), ("failed", counts.Failed + spec.RefusedLineCount));
            }

            WriteMetadata(data, batch?.Metadata ?? spec.Metadata);
        });
    }

    /// <summary>The notice of a batch that has ended before it had a job; null when it names no webhook or has not.</summary>
    public static WebhookNotice? Of(BatchInfo batch)
    {
        if (batch.Webhook is not { } url || batch.Stage is not (BatchStage.Failed or BatchStage.Cancelled)) return null;
        var status = batch.Stage == BatchStage.Failed ? "failed" : batch.IsExpired ? "expired" : "cancelled";
        return Notice(batch.Id.Job, 0, batch.Tenant, url, $"batch.{status}", batch.StagedAt!.Value, data =>
        {
            data.WriteString("id", batch.Id.Value);
            data.WriteString("status", status);
            if (batch.Errors.Count > 0)
            {
                data.WriteNumber("error_count", batch.Errors.Count);
                data.WriteString("error", batch.Errors[0].Message);
            }

            WriteMetadata(data, batch.Metadata);
        });
    }

    private static string StatusOf(JobState state) => state.Status switch
    {
        JobStatus.Completed => "completed",
        JobStatus.Cancelled => "cancelled",
        _ => "failed",
    };

    private static string StatusOf(JobState state, BatchInfo batch) => state.Status == JobStatus.Cancelled && batch.IsExpired ? "expired" : StatusOf(state);

    private static WebhookNotice Notice(JobId job, int attempt, string tenant, string url, string type, DateTimeOffset at, Action<Utf8JsonWriter> writeData)
    {
        var id = FormattableString.Invariant($"evt_{job.Value["job_".Length..]}_{attempt}");
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body, s_json))
        {
            json.WriteStartObject();
            json.WriteString("id", id);
            json.WriteString("object", "event");
            json.WriteString("type", type);
            json.WriteNumber("created_at", at.ToUnixTimeSeconds());
            json.WriteStartObject("data");
            writeData(json);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return new(id, tenant, url, Encoding.UTF8.GetString(body.ToArray()));
    }

    private static void WriteCounts(Utf8JsonWriter data, string name, params ReadOnlySpan<(string Name, int Count)> counts)
    {
        data.WriteStartObject(name);
        foreach (var (what, count) in counts) data.WriteNumber(what, count);
        data.WriteEndObject();
    }

    private static void WriteMetadata(Utf8JsonWriter data, IReadOnlyDictionary<string, string> metadata)
    {
        data.WriteStartObject("metadata");
        foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal)) data.WriteString(key, value);
        data.WriteEndObject();
    }
}
