using Emu3.Cli.Batch.Plan;

namespace Emu3.Cli.Batch;

/// <summary><c>emu3 batch --dry-run</c>.</summary>
internal sealed class BatchDryRun(BatchWork work, GatewayClient gateway, CliConsole console)
{
    /// <summary>Checks everything and tells what a run would take; writes nothing.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var options = work.Options;
        var contents = BatchFolder.Peek(options.Out);
        var seed = work.SeedOf(contents.History);
        var plan = work.Plan(seed);
        var errors = plan.Errors.ToList();
        var wanted = plan.Outputs;
        JobValidation? validation = null;
        if (errors.Count == 0)
        {
            var difference = BatchDifference.Between(plan.Outputs, contents.Records, contents.History, record => BatchFolder.IsThere(options.Out, record));
            console.Out.WriteLine(difference.Summary());
            wanted = [.. plan.Outputs.Except(difference[OutputStatus.Done])];
        }

        // Lines that are bad by themselves are not sent; what the model says of the others is asked all the same, so that one look tells all.
        var requests = ItemPart.Of(work.Input.Items, wanted);
        if (requests.Count > 0)
        {
            try
            {
                validation = await gateway.ValidateAsync(work.JobObject(seed), requests.Select(request => request.ToWire()), cancellationToken);
                errors.AddRange(ItemPart.ToInputLines(validation.LineErrors, requests));
            }
            catch (GatewayRefusal refusal) when (refusal.LineErrors.Count > 0)
            {
                errors.AddRange(ItemPart.ToInputLines(refusal.LineErrors, requests));
            }
        }

        if (validation is not null)
        {
            var rate = options.DataFolder is { } dataFolder ? MeasuredRates.Read(dataFolder, work.Model.Info.WeightsHash) : null;
            DryRunReport.Write(console, options.Out, validation, rate);
        }

        if (errors.Count > 0)
        {
            throw BatchErrors.Of(work.Input.Name, errors);
        }

        console.Out.WriteLine("Nothing was run.");
        SkippedFiles.List(console, work.Input.Skipped);
        return work.Input.Skipped.Count == 0 ? ExitCode.AllDone : ExitCode.SomeFailed;
    }
}
