using Emu3.Gateway.Batches;
using Emu3.Gateway.Contracts;
using Emu3.Grains.Interfaces;

namespace Emu3.Tests.Unit.Gateway.Batches;

[Trait("Suite", "Fast")]
public sealed class BatchStateTests
{
    private static readonly DateTimeOffset s_made = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);

    internal static BatchInfo Info(BatchStage stage) => new()
    {
        Id = BatchId.Draw(),
        Tenant = "tests",
        CreatedAt = s_made,
        InputFile = FileId.Draw(),
        Endpoint = BatchRequest.Images,
        Window = "24h",
        Stage = stage,
        StagedAt = stage == BatchStage.Validating ? null : s_made.AddSeconds(5),
    };

    [Theory]
    [InlineData(BatchStage.Validating, false, "validating")]
    [InlineData(BatchStage.Validating, true, "cancelling")]
    [InlineData(BatchStage.Failed, false, "failed")]
    [InlineData(BatchStage.Cancelled, true, "cancelled")]
    public void Status_BeforeThereIsAJob_IsThatOfTheRecord(BatchStage stage, bool isCancelled, string status)
    {
        var batch = new BatchState(Info(stage) with { CancelledAt = isCancelled ? s_made : null }, null);

        var answer = Answer(batch);
        Assert.Equal(status, WordOf(answer.Status));
        Assert.Equal((0, 0, 0), (answer.RequestCounts.Total, answer.RequestCounts.Completed, answer.RequestCounts.Failed));
        Assert.Null(answer.OutputFileId);
    }

    [Theory]
    [InlineData(JobStatus.Queued, false, false, "in_progress")]
    [InlineData(JobStatus.Running, false, false, "in_progress")]
    [InlineData(JobStatus.Paused, false, false, "in_progress")]
    [InlineData(JobStatus.Running, true, false, "cancelling")]
    [InlineData(JobStatus.Cancelling, true, false, "cancelling")]
    [InlineData(JobStatus.Cancelling, true, true, "finalizing")]
    [InlineData(JobStatus.Cancelled, true, false, "cancelled")]
    [InlineData(JobStatus.Cancelled, true, true, "expired")]
    [InlineData(JobStatus.Completed, false, false, "completed")]
    [InlineData(JobStatus.Completed, true, false, "completed")]
    [InlineData(JobStatus.Aborted, false, false, "failed")]
    public void Status_WithAJob_IsThatOfTheJob(JobStatus job, bool isCancelled, bool isExpired, string status)
    {
        var info = Info(BatchStage.Accepted) with { CancelledAt = isCancelled ? s_made.AddSeconds(7) : null, IsExpired = isExpired };
        var answer = Answer(new(info, Job(info, job, new(1, 1, 2, 0, 0))));

        Assert.Equal(status, WordOf(answer.Status));
        Assert.Equal(status == "completed", answer.CompletedAt is not null);
        Assert.Equal(status == "cancelled", answer.CancelledAt is not null);
        Assert.Equal(status == "expired", answer.ExpiredAt is not null);
        Assert.Equal(status is "cancelling" or "cancelled", answer.CancellingAt is not null);
    }

    [Fact]
    public void AllEnded_ButTheJobHasNotSaidSo_IsFinalizing()
    {
        var info = Info(BatchStage.Accepted);
        Assert.Equal(BatchStatus.Finalizing, new BatchState(info, Job(info, JobStatus.Running, new(0, 0, 3, 1, 0))).Status);
    }

    [Fact]
    public void Files_AreThere_FromTheFirstLineOn_AndNotAfterTheirDeletion()
    {
        var info = Info(BatchStage.Accepted);
        Assert.Empty(new BatchState(info, Job(info, JobStatus.Running, new(3, 1, 0, 0, 0))).Files(""));
        var some = new BatchState(info, Job(info, JobStatus.Running, new(1, 1, 1, 1, 0)));
        Assert.Equal([FileId.OutputOf(info.Id).Value, FileId.ErrorsOf(info.Id).Value], some.Files("").Select(file => file.Id));
        Assert.Equal([FileId.ErrorsOf(info.Id).Value], (some with { Info = info with { IsOutputDeleted = true } }).Files("").Select(file => file.Id));
        // What its owner cancelled is told of nowhere; what ran out of time is an error.
        var cancelled = new BatchState(info, Job(info, JobStatus.Cancelled, new(0, 0, 0, 0, 4)));
        Assert.Empty(cancelled.Files(""));
        Assert.NotNull((cancelled with { Info = info with { IsExpired = true } }).ErrorFile);
    }

    [Fact]
    public void Lines_ThatWereRefused_AreFailedRequests_AndInTheErrorFileFromTheStart()
    {
        var info = Info(BatchStage.Accepted) with { SampleCounts = [1, 0, 1, 0] };
        var batch = new BatchState(info, Job(info, JobStatus.Running, new(1, 0, 1, 0, 0)));
        Assert.Equal((4, 1, 2), batch.Requests);
        Assert.Equal(FileId.ErrorsOf(info.Id), batch.ErrorFile);
        Assert.Equal((4, 1, 3), new BatchState(info, Job(info, JobStatus.Completed, new(0, 0, 1, 1, 0))).Requests);
    }

    [Fact]
    public void Warning_SaysThatTheWindowIsTooShort_AndOnlyThen()
    {
        var info = Info(BatchStage.Accepted);
        var slow = Job(info, JobStatus.Running, new(1_000, 1, 0, 0, 0)) with { Eta = TimeSpan.FromHours(25) };
        Assert.Contains("24h", new BatchState(info, slow).WarningAt(s_made), StringComparison.Ordinal);
        Assert.Null(new BatchState(info, slow with { Eta = TimeSpan.FromHours(23) }).WarningAt(s_made));
        Assert.Null(BatchWarning.Of(100, 0, TimeSpan.FromHours(1), "1h"));
        Assert.Null(BatchWarning.Of(100, 1, TimeSpan.FromHours(1), "1h"));
        Assert.Contains("2.0 hours", BatchWarning.Of(7_200, 1, TimeSpan.FromHours(1), "1h"), StringComparison.Ordinal);
    }

    private static BatchAnswer Answer(BatchState batch) => BatchAnswer.Of(batch, s_made);

    private static string WordOf(BatchStatus status) => System.Text.Encoding.UTF8.GetString(GatewayJson.Write(status)).Trim('"');

    private static JobSnapshot Job(BatchInfo info, JobStatus status, ItemCounts counts) => new()
    {
        Id = info.Id.Job,
        Status = status,
        Counts = counts,
        StartedAt = s_made.AddSeconds(6),
        EndedAt = status is JobStatus.Completed or JobStatus.Cancelled or JobStatus.Aborted ? s_made.AddSeconds(60) : null,
        Spec = new()
        {
            Tenant = info.Tenant,
            Model = "fake",
            WeightsHash = "f",
            Priority = JobPriority.Normal,
            Seed = 1,
            CreatedAt = s_made,
        },
    };
}
