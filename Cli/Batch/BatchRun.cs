using Emu3.Cli.Batch.Plan;

namespace Emu3.Cli.Batch;

/// <summary>One run of <c>emu3 batch</c> against a gateway: compares the input with the folder, has made what is missing, and brings it in.</summary>
internal sealed class BatchRun(BatchWork work, GatewayClient gateway, CliConsole console)
{
    // One output is lost only when its file was fetched and then taken out of the folder by hand; more rounds would chase something else.
    private const int Rounds = 2;

    /// <summary>How the devices stand that this run has to itself; null where that is another's business.</summary>
    public Func<string?> DescribeDevices { get; init; } = () => null;

    /// <summary>Runs to the end.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="CommandException">The input or the folder is wrong; nothing was run.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        // Checked before the folder is made: a bad line leaves nothing behind.
        var (options, input) = (work.Options, work.Input);
        var seed = work.SeedOf(BatchFolder.Peek(options.Out).History);
        var plan = work.Plan(seed);
        if (plan.Errors.Count > 0)
        {
            throw BatchErrors.Of(input.Name, plan.Errors);
        }

        using var folder = BatchFolder.Open(options.Out);
        var asked = new AskedPictures(input.Items, folder.Path);
        var history = folder.Contents.History;
        var difference = BatchDifference.Between(plan.Outputs, folder.Contents.Records, history, folder.IsThere);
        console.Out.WriteLine(difference.Summary());
        RefuseChanges(difference);
        if (history.Seed != BatchWork.Text(seed))
        {
            folder.Write([new JournalEntry.Began(BatchWork.Text(seed))]);
        }

        var progress = new BatchProgress(console, plan.Outputs.Count, difference[OutputStatus.Done].Count, options.RetryFailed ? 0 : difference[OutputStatus.Failed].Count) { DescribeDevices = DescribeDevices };
        var unfinished = new List<(OutputKey, string)>();
        try
        {
            await progress.ShowAsync(() => BringInAsync(folder, asked, plan, seed, difference, progress, unfinished, cancellationToken));
        }
        finally
        {
            folder.Contents.Rename(asked.NamesOf);
            folder.Tidy(plan.Outputs, $"{input.Name}: {folder.Contents.Records.Count} outputs of {work.Model.Id}", record => BatchReport.ToEntry(asked, record));
        }

        if (options.DataFolder is { } dataFolder && progress.MadeCount >= MeasuredRates.MinOutputs)
        {
            MeasuredRates.Write(dataFolder, work.Model.Info.WeightsHash, progress.MadePositions / progress.Elapsed.TotalSeconds);
        }

        return BatchReport.Write(console, folder, plan, progress, unfinished, input.Skipped);
    }

    private async Task BringInAsync(
        BatchFolder folder, AskedPictures asked, BatchPlan plan, ulong seed, BatchDifference difference, BatchProgress progress, List<(OutputKey, string)> unfinished,
        CancellationToken cancellationToken)
    {
        var submitter = new BatchSubmitter(work, folder, gateway);
        await submitter.ReopenAsync(plan, seed, cancellationToken);
        for (var round = 0; round < Rounds; round++)
        {
            var now = round == 0 ? difference : BatchDifference.Between(plan.Outputs, folder.Contents.Records, folder.Contents.History, folder.IsThere);
            var retried = round == 0 && work.Options.RetryFailed ? now[OutputStatus.Failed] : [];
            var changed = round == 0 && work.Options.Overwrite ? now[OutputStatus.Changed] : [];
            PlannedOutput[] wanted = [.. StillNew(folder, now).Except(plan.Outputs.Where(output => unfinished.Any(u => u.Item1 == output.Key))), .. retried, .. changed];
            if (wanted.Length > 0)
            {
                await submitter.SubmitAsync(plan, seed, [.. wanted.OrderBy(output => output.Index)], changed, cancellationToken);
            }

            var open = folder.Contents.History.Open.ToList();
            if (open.Count == 0)
            {
                return;
            }

            unfinished.AddRange(await new ResultDownloader(folder, gateway, progress, asked).BringInAsync(open, cancellationToken));
        }
    }

    /// <summary>New outputs, and those that were awaited from a job which is gone.</summary>
    private static IEnumerable<PlannedOutput> StillNew(BatchFolder folder, BatchDifference difference) =>
        difference[OutputStatus.New].Concat(difference[OutputStatus.Underway].Where(output => folder.Contents.History.Awaited(output.Key) is null));

    private void RefuseChanges(BatchDifference difference)
    {
        var changed = difference[OutputStatus.Changed];
        if (changed.Count == 0 || work.Options.Overwrite)
        {
            return;
        }

        const int shown = 20;
        foreach (var output in changed.Take(shown))
        {
            console.Error.WriteLine($"{work.Input.Name} line {work.Input.Items[output.ItemIndex].Line}: {output.Key} was made from something else before.");
        }

        if (changed.Count > shown)
        {
            console.Error.WriteLine($"… and {changed.Count - shown} more.");
        }

        throw CommandException.BadInput(
            $"{changed.Count} outputs in {work.Options.Out} were made from other prompts, settings or another model: --overwrite makes them again, another --out keeps them.");
    }
}
