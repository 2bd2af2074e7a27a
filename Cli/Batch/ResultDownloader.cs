using System.Security.Cryptography;
using System.Threading.Channels;
using Emu3.Cli.Batch.Plan;

namespace Emu3.Cli.Batch;

/// <summary>
/// Brings the outputs of running jobs into the folder as they finish. Files are fetched several at once and committed in the order in which the gateway
/// told of them, so that one cursor a job says what is in the folder; only then the gateway is told to let go of its copy.
/// </summary>
internal sealed class ResultDownloader(BatchFolder folder, GatewayClient gateway, BatchProgress progress, AskedPictures asked)
{
    private const int FetchesAtOnce = 8;
    private const string TooManyFailures = "too_many_failures";

    /// <summary>Outputs that were neither made nor failed: their job was cancelled.</summary>
    private readonly List<(OutputKey Key, string Reason)> _unfinished = [];

    /// <summary>Follows the jobs to their ends. When cancelled, what has arrived is committed first.</summary>
    /// <returns>Outputs that nobody will make, with the reason.</returns>
    /// <exception cref="CommandException">A job paused itself over its failures.</exception>
    public async Task<IReadOnlyList<(OutputKey Key, string Reason)>> BringInAsync(IReadOnlyList<Submission> submissions, CancellationToken cancellationToken)
    {
        var arrivals = Channel.CreateBounded<Task<Arrival>>(new BoundedChannelOptions(FetchesAtOnce) { SingleReader = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var committing = CommitAllAsync(arrivals.Reader, stop);
        try
        {
            await Task.WhenAll(submissions.Select(submission => FollowAsync(submission, arrivals.Writer, stop)));
        }
        finally
        {
            arrivals.Writer.Complete();
            await committing;
        }

        return _unfinished;
    }

    private async Task FollowAsync(Submission submission, ChannelWriter<Task<Arrival>> arrivals, CancellationTokenSource stop)
    {
        try
        {
            await foreach (var told in gateway.FollowAsync(submission.Job!, submission.Cursor, stop.Token))
            {
                if (told.Outcome is { } outcome)
                {
                    await arrivals.WriteAsync(FetchAsync(submission, outcome, told.Cursor!, stop.Token), stop.Token);
                }

                if (told.Job is { } job)
                {
                    progress.Tell(job);
                    if (job is { IsPaused: true, PauseReason: TooManyFailures })
                    {
                        throw new CommandException(
                            ExitCode.SomeFailed,
                            $"{job.Counts.Failed} outputs failed, more than --max-failures allows: the job is paused with {job.Counts.Pending} left. "
                            + "The same command goes on with these; --retry-failed runs the failed ones as well.");
                    }
                }

                if (told.IsLast)
                {
                    await arrivals.WriteAsync(Task.FromResult(new Arrival(submission, null, null, null, null)), stop.Token);
                }
            }
        }
        catch
        {
            // The other jobs need not be followed any longer: the run ends here.
            await stop.CancelAsync();
            throw;
        }
    }

    /// <summary>One outcome and what was fetched for it; without an outcome, the end of the job.</summary>
    private sealed record Arrival(Submission Submission, Outcome? Outcome, string? Cursor, MetadataRecord? Record, string? File);

    private async Task<Arrival> FetchAsync(Submission submission, Outcome outcome, string cursor, CancellationToken cancellationToken)
    {
        var key = new OutputKey(outcome.Id, outcome.Sample);
        var nothing = new Arrival(submission, outcome, cursor, null, null);
        if (!outcome.IsDone || !folder.Contents.History.Wants(submission, key) || !submission.Outputs.TryGetValue(key, out var submitted))
        {
            return nothing;
        }

        if (!outcome.IsPicture)
        {
            return nothing with { Record = MetadataRecord.From(outcome, submitted.SpecHash, asked.NamesOf(outcome.Id)) };
        }

        if (await gateway.ContentAsync(submission.Job!, outcome.Index, cancellationToken) is not { } file)
        {
            return nothing;
        }

        if (outcome.FileSha256 is { } expected && !string.Equals(Convert.ToHexStringLower(SHA256.HashData(file)), expected, StringComparison.OrdinalIgnoreCase))
        {
            throw CommandException.NotStarted($"The file of {key} did not arrive whole; the same command goes on.");
        }

        return nothing with
        {
            Record = MetadataRecord.From(outcome, submitted.SpecHash, [submitted.File!]),
            File = await folder.ReceiveAsync(file, cancellationToken),
        };
    }

    private async Task CommitAllAsync(ChannelReader<Task<Arrival>> arrivals, CancellationTokenSource stop)
    {
        try
        {
            await CommitWholesAsync(arrivals, stop.Token);
        }
        catch
        {
            // Nobody takes arrivals any longer: those who follow must not wait for a place among them.
            await stop.CancelAsync();
            throw;
        }
    }

    private async Task CommitWholesAsync(ChannelReader<Task<Arrival>> arrivals, CancellationToken cancellationToken)
    {
        while (await arrivals.WaitToReadAsync(CancellationToken.None))
        {
            // Whatever has arrived by now shares one flush.
            var batch = new List<Arrival>();
            while (arrivals.TryRead(out var next))
            {
                try
                {
                    batch.Add(await next);
                }
                catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
                {
                    // Told but not fetched: the cursor stays before it, and nothing behind it may be committed.
                    await CommitAsync(batch);
                    return;
                }
                catch
                {
                    await CommitAsync(batch);
                    throw;
                }

                if (batch.Count == FetchesAtOnce)
                {
                    break;
                }
            }

            await CommitAsync(batch);
        }
    }

    private async Task CommitAsync(List<Arrival> batch)
    {
        // A superseded record has no place in the folder, even if its job was wanted when the fetch began.
        var wanted = batch.Where(arrival => arrival.Record is not null && !IsRecorded(arrival.Record)).ToList();
        folder.Commit([.. wanted.Select(arrival => (arrival.Record!, arrival.File))]);
        var failures = batch.Where(arrival => arrival.Outcome is { Status: "failed" } && IsWanted(arrival)).ToList();
        _unfinished.AddRange(batch.Where(arrival => arrival.Outcome is { Status: "cancelled" } && IsWanted(arrival)).Select(arrival => (KeyOf(arrival), "was cancelled")));
        folder.Write(
        [
            .. failures.Select(arrival => new JournalEntry.Failed(
                arrival.Outcome!.Id, arrival.Outcome.Sample, arrival.Submission.Outputs[KeyOf(arrival)].SpecHash, Reason(arrival.Outcome))),
            .. batch.Where(arrival => arrival.Outcome is { IsDone: true, MadeBy: not null } && IsWanted(arrival))
                .Select(arrival => new JournalEntry.Made(arrival.Outcome!.Id, arrival.Outcome.Sample, arrival.Outcome.MadeBy!)),
            .. batch.Where(arrival => arrival.Outcome is not null).GroupBy(arrival => arrival.Submission.Key)
                .Select(group => new JournalEntry.Fetched(group.Key, group.Last().Cursor!)),
        ]);
        progress.Add(wanted.Count, failures.Count, wanted.Sum(arrival => (long)(arrival.Outcome!.Usage?.TotalTokens ?? 0)));
        await Task.WhenAll(batch.Where(arrival => arrival.Outcome is { IsDone: true, IsPicture: true })
            .Select(arrival => gateway.ReleaseContentAsync(arrival.Submission.Job!, arrival.Outcome!.Index, CancellationToken.None)));
        foreach (var ended in batch.Where(arrival => arrival.Outcome is null))
        {
            await gateway.DeleteJobAsync(ended.Submission.Job!, CancellationToken.None);
            folder.Write([new JournalEntry.Closed(ended.Submission.Key)]);
        }
    }

    /// <summary>A run that was killed between the record and the cursor behind it is told of the output again.</summary>
    private bool IsRecorded(MetadataRecord record) =>
        folder.Contents.Records.TryGetValue(record.Key, out var known) && known.SpecHash == record.SpecHash && folder.IsThere(known);

    private bool IsWanted(Arrival arrival) => folder.Contents.History.Wants(arrival.Submission, KeyOf(arrival)) && arrival.Submission.Outputs.ContainsKey(KeyOf(arrival));

    private static OutputKey KeyOf(Arrival arrival) => new(arrival.Outcome!.Id, arrival.Outcome.Sample);

    private static string Reason(Outcome outcome) => outcome.Error?.Message ?? outcome.Error?.Code ?? "failed without a reason";
}
