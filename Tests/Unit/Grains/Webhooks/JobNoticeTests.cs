using System.Text.Json;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Grains.Webhooks;
using Emu3.Tests.Cluster;

namespace Emu3.Tests.Unit.Grains.Webhooks;

[Trait("Suite", "Fast")]
public sealed class JobNoticeTests
{
    private static readonly JobId s_job = new("job_0123456789abcdef0123456789abcdef");
    private static readonly DateTimeOffset s_end = DateTimeOffset.FromUnixTimeSeconds(1_795_000_000);

    [Theory]
    [InlineData(JobStatus.Completed, "job.completed")]
    [InlineData(JobStatus.Cancelled, "job.cancelled")]
    [InlineData(JobStatus.Aborted, "job.failed")]
    public void Job_IsTold_ByItsEnd(JobStatus status, string type)
    {
        var notice = JobNotice.Of(s_job, Ended(status), null)!;

        var body = Parse(notice);
        Assert.Equal("evt_0123456789abcdef0123456789abcdef_2", notice.EventId);
        Assert.Equal((notice.EventId, "event", type, s_end.ToUnixTimeSeconds()), (
            body.GetProperty("id").GetString(), body.GetProperty("object").GetString(), body.GetProperty("type").GetString(), body.GetProperty("created_at").GetInt64()));
        var data = body.GetProperty("data");
        Assert.Equal(s_job.Value, data.GetProperty("id").GetString());
        Assert.Equal("""{"total":6,"done":3,"failed":2,"cancelled":1}""", data.GetProperty("counts").GetRawText());
        Assert.Equal("""{"who":"Änne \"A\""}""", data.GetProperty("metadata").GetRawText());
        Assert.Equal(2, data.GetProperty("attempt").GetInt32());
        Assert.Equal(("tests", "https://example.org/x"), (notice.Tenant, notice.Url));
    }

    [Theory]
    [InlineData(JobStatus.Completed, false, "batch.completed")]
    [InlineData(JobStatus.Completed, true, "batch.completed")]
    [InlineData(JobStatus.Cancelled, false, "batch.cancelled")]
    [InlineData(JobStatus.Cancelled, true, "batch.expired")]
    [InlineData(JobStatus.Aborted, false, "batch.failed")]
    public void Batch_IsToldInThePlaceOfItsJob(JobStatus status, bool isExpired, string type)
    {
        var body = Parse(JobNotice.Of(s_job, Ended(status), Batch(BatchStage.Accepted) with { IsExpired = isExpired })!);

        Assert.Equal(type, body.GetProperty("type").GetString());
        Assert.Equal("batch_0123456789abcdef0123456789abcdef", body.GetProperty("data").GetProperty("id").GetString());
        Assert.Equal(s_job.Value, body.GetProperty("data").GetProperty("job_id").GetString());
        Assert.Equal("""{"total":6,"completed":3,"failed":2}""", body.GetProperty("data").GetProperty("request_counts").GetRawText());
    }

    [Fact]
    public void Batch_WhoseInvalidLinesAreReported_CountsThem()
    {
        var ended = Ended(JobStatus.Completed);
        var notice = JobNotice.Of(s_job, ended with { Spec = ended.Spec! with { RefusedLineCount = 4 } }, Batch(BatchStage.Accepted))!;
        Assert.Equal("""{"total":10,"completed":3,"failed":6}""", Parse(notice).GetProperty("data").GetProperty("request_counts").GetRawText());
    }

    [Fact]
    public void Batch_WithoutAJob_IsToldByItself()
    {
        var failed = JobNotice.Of(Batch(BatchStage.Failed) with { Errors = [new("x", 1, "It is wrong.", null)] })!;
        Assert.Equal("batch.failed", Parse(failed).GetProperty("type").GetString());
        Assert.Equal("It is wrong.", Parse(failed).GetProperty("data").GetProperty("error").GetString());
        Assert.Equal("evt_0123456789abcdef0123456789abcdef_0", failed.EventId);
        Assert.Equal("batch.cancelled", Parse(JobNotice.Of(Batch(BatchStage.Cancelled))!).GetProperty("type").GetString());
        Assert.Equal("batch.expired", Parse(JobNotice.Of(Batch(BatchStage.Cancelled) with { IsExpired = true })!).GetProperty("type").GetString());
        Assert.Null(JobNotice.Of(Batch(BatchStage.Validating)));
        Assert.Null(JobNotice.Of(Batch(BatchStage.Accepted)));
        Assert.Null(JobNotice.Of(Batch(BatchStage.Failed) with { Webhook = null }));
    }

    [Fact]
    public void Job_WithoutAWebhook_OrOneThatWasTakenBack_IsNotTold()
    {
        Assert.Null(JobNotice.Of(s_job, Ended(JobStatus.Completed) with { Spec = TestJobs.Spec() }, null));
        Assert.Null(JobNotice.Of(s_job, Ended(JobStatus.Cancelled) with { Total = 0 }, null));
    }

    private static JobState Ended(JobStatus status) => new()
    {
        Spec = TestJobs.Spec() with { Webhook = "https://example.org/x", Metadata = new Dictionary<string, string> { ["who"] = "Änne \"A\"" } },
        Status = status,
        Total = 6,
        FinalCounts = new(0, 0, 3, 2, 1),
        EndedAt = s_end,
        StoredDesiredState = DesiredState.First(JobPriority.Normal) with { Attempt = 2 },
    };

    private static BatchInfo Batch(BatchStage stage) => new()
    {
        Id = BatchId.Of(s_job),
        Tenant = "tests",
        CreatedAt = s_end.AddHours(-1),
        InputFile = default,
        Endpoint = "/v1/images/generations",
        Window = "24h",
        Stage = stage,
        StagedAt = s_end,
        Webhook = "https://example.org/x",
    };

    private static JsonElement Parse(WebhookNotice notice) => JsonSerializer.Deserialize<JsonElement>(notice.Body);
}
