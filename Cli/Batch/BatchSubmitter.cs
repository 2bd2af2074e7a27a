using Emu3.Cli.Batch.Plan;
using Emu3.Grains.Interfaces;

namespace Emu3.Cli.Batch;

/// <summary>Has outputs made: writes down what is about to be asked for, asks, and finds again after a crash what was asked for.</summary>
internal sealed class BatchSubmitter(BatchWork work, BatchFolder folder, GatewayClient gateway)
{
    // What the gateway files jobs under when it asks for no key.
    private const string Tenant = "default";

    /// <summary>Finds the jobs of earlier runs again; those that are paused go on, as whoever starts the command again means it.</summary>
    public async Task ReopenAsync(BatchPlan plan, ulong seed, CancellationToken cancellationToken)
    {
        var planned = plan.Outputs.ToDictionary(output => output.Key);
        foreach (var submission in folder.Contents.History.Open.ToList())
        {
            if (submission.Job is { } job)
            {
                if (await gateway.FindJobAsync(job, cancellationToken) is not { } known)
                {
                    folder.Write([new JournalEntry.Closed(submission.Key)]);
                }
                else if (known.IsPaused)
                {
                    await gateway.AskAsync(job, "resume", cancellationToken);
                }

                continue;
            }

            // The process ended while it submitted. The key tells which job that was to be, on a gateway without tenants.
            if (await gateway.FindJobAsync(JobId.FromIdempotencyKey(Tenant, submission.Key).Value, cancellationToken) is { Status: not ("open" or "aborted") } found)
            {
                folder.Write([new JournalEntry.Accepted(submission.Key, found.Id)]);
                continue;
            }

            // Elsewhere the same request under the same key gives the job it made, or makes it now.
            var outputs = submission.Outputs.Values
                .Select(output => planned.TryGetValue(output.Key, out var same) && same.SpecHash == output.SpecHash ? same : null).ToList();
            if (outputs.Contains(null) || !await TrySubmitAgainAsync(submission.Key, seed, outputs!, cancellationToken))
            {
                folder.Write([new JournalEntry.Closed(submission.Key)]);
            }
        }
    }

    private async Task<bool> TrySubmitAgainAsync(string key, ulong seed, IReadOnlyList<PlannedOutput> outputs, CancellationToken cancellationToken)
    {
        try
        {
            var job = await gateway.SubmitAsync(key, work.JobObject(seed), ItemPart.Of(work.Input.Items, outputs).Select(request => request.ToWire()), cancellationToken);
            folder.Write([new JournalEntry.Accepted(key, job.Id)]);
            return true;
        }
        catch (GatewayRefusal)
        {
            // Another gateway, or another model: what is missing is asked for under a new key, where a refusal is told.
            return false;
        }
    }

    /// <summary>Asks for outputs, as one new job.</summary>
    /// <param name="plan">All outputs of the run.</param>
    /// <param name="seed">Of the batch.</param>
    /// <param name="outputs">Those that are asked for.</param>
    /// <param name="changed">Of these, those that take the place of others.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="CommandException">The gateway refused.</exception>
    public async Task SubmitAsync(
        BatchPlan plan, ulong seed, IReadOnlyList<PlannedOutput> outputs, IReadOnlyList<PlannedOutput> changed, CancellationToken cancellationToken)
    {
        var history = folder.Contents.History;
        var replaced = outputs.Select(output => output.Key).ToHashSet();
        var taken = folder.Contents.Records.Values.Where(record => record.IsPicture && !replaced.Contains(record.Key)).Select(record => record.FileName!)
            .Concat(history.Open.SelectMany(open => open.Outputs.Values).Where(output => !replaced.Contains(output.Key)).Select(output => output.File).OfType<string>());
        var names = new OutputPlan(work.Options.Name, plan.OutputCountOfAll, taken);
        var key = Guid.NewGuid().ToString("N");
        folder.Write(
        [
            .. outputs.Select(output => new JournalEntry.Output(
                output.Key.Id, output.Key.Sample, output.SpecHash,
                output.Extension is null ? null : names.Name(output.Index, output.Key.Id, output.Seed, output.Key.Sample, output.Extension))),
            new JournalEntry.Submitting(key),
        ]);
        folder.Remove([.. changed.Select(output => output.Key)]);
        var requests = ItemPart.Of(work.Input.Items, outputs);
        try
        {
            var job = await gateway.SubmitAsync(key, work.JobObject(seed), requests.Select(request => request.ToWire()), cancellationToken);
            folder.Write([new JournalEntry.Accepted(key, job.Id)]);
        }
        catch (GatewayRefusal refusal)
        {
            folder.Write([new JournalEntry.Closed(key)]);
            throw refusal.LineErrors.Count > 0
                ? BatchErrors.Of(work.Input.Name, ItemPart.ToInputLines(refusal.LineErrors, requests))
                : new CommandException(refusal.ExitCode, refusal.Message, refusal);
        }
    }
}
