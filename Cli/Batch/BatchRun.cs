using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Emu3.Cli.Batch.Plan;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli.Batch;

/// <summary>One run of <c>emu3 batch</c> against a gateway: compares the input with the folder, has made what is missing, and brings it in.</summary>
internal sealed class BatchRun(BatchOptions options, BatchInput input, GatewayClient gateway, ServedModel model, CliConsole console)
{
    // One output is lost only when its file was fetched and then taken out of the folder by hand; more rounds would chase something else.
    private const int Rounds = 2;

    // What the gateway files jobs under when it asks for no key.
    private const string Tenant = "default";

    /// <summary>How the devices stand that this run has to itself; null where that is another's business.</summary>
    public Func<string?> DescribeDevices { get; init; } = () => null;

    /// <summary>Runs to the end.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="CommandException">The input or the folder is wrong; nothing was run.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        // Checked before the folder is made: a bad line leaves nothing behind.
        var seed = SeedOf(BatchFolder.Peek(options.Out).History);
        var plan = Plan(seed, input.Errors);
        using var folder = BatchFolder.Open(options.Out);
        var history = folder.Contents.History;
        var difference = BatchDifference.Between(plan.Outputs, folder.Contents.Records, history, folder.IsThere);
        console.Out.WriteLine(difference.Summary());
        RefuseChanges(difference);
        if (history.Seed != Text(seed))
        {
            folder.Write([new JournalEntry.Began(Text(seed))]);
        }

        var progress = new BatchProgress(console, plan.Outputs.Count, difference[OutputStanding.Done].Count, options.RetryFailed ? 0 : difference[OutputStanding.Failed].Count) { DescribeDevices = DescribeDevices };
        var unfinished = new List<(OutputKey, string)>();
        try
        {
            await progress.ShowAsync(() => BringInAsync(folder, plan, seed, difference, progress, unfinished, cancellationToken));
        }
        finally
        {
            folder.Tidy(plan.Outputs, $"{input.Name}: {folder.Contents.Records.Count} outputs of {model.Id}", record => ToEntry(folder, record));
        }

        if (options.DataFolder is { } dataFolder && progress.MadeCount >= MeasuredRates.LeastOutputs)
        {
            MeasuredRates.Write(dataFolder, model.Card.WeightsHash, progress.MadePositions / progress.Elapsed.TotalSeconds);
        }

        return Report(folder, plan, progress, unfinished);
    }

    /// <summary>Checks everything and tells what a run would take; writes nothing.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> DryRunAsync(CancellationToken cancellationToken)
    {
        var contents = BatchFolder.Peek(options.Out);
        var seed = SeedOf(contents.History);
        var plan = BatchPlan.Of(input.Items, Defaults(), seed, model.Card);
        var errors = input.Errors.Concat(plan.Errors).ToList();
        var wanted = plan.Outputs;
        JobValidation? validation = null;
        if (errors.Count == 0)
        {
            var difference = BatchDifference.Between(plan.Outputs, contents.Records, contents.History, record => BatchFolder.IsThere(options.Out, record));
            console.Out.WriteLine(difference.Summary());
            wanted = [.. plan.Outputs.Except(difference[OutputStanding.Done])];
        }

        // Lines that are bad by themselves are not sent; what the model says of the others is asked all the same, so that one look tells all.
        var requests = Requests(input.Items, wanted);
        if (requests.Count > 0)
        {
            try
            {
                validation = await gateway.ValidateAsync(JobObject(seed), requests.Select(request => request.ToWire()), cancellationToken);
                errors.AddRange(ToInputLines(validation.LineErrors, requests));
            }
            catch (GatewayRefusal refusal) when (refusal.LineErrors.Count > 0)
            {
                errors.AddRange(ToInputLines(refusal.LineErrors, requests));
            }
        }

        if (validation is not null)
        {
            var rate = options.DataFolder is { } dataFolder ? MeasuredRates.Read(dataFolder, model.Card.WeightsHash) : null;
            DryRunReport.Write(console, options.Out, validation, rate);
        }

        if (errors.Count > 0)
        {
            throw BatchErrors.Of(input.Name, errors);
        }

        console.Out.WriteLine("Nothing was run.");
        return ExitCode.AllDone;
    }

    private async Task BringInAsync(
        BatchFolder folder, BatchPlan plan, ulong seed, BatchDifference difference, BatchProgress progress, List<(OutputKey, string)> unfinished,
        CancellationToken cancellationToken)
    {
        await ReopenAsync(folder, plan, seed, cancellationToken);
        for (var round = 0; round < Rounds; round++)
        {
            var now = round == 0 ? difference : BatchDifference.Between(plan.Outputs, folder.Contents.Records, folder.Contents.History, folder.IsThere);
            var retried = round == 0 && options.RetryFailed ? now[OutputStanding.Failed] : [];
            var changed = round == 0 && options.Overwrite ? now[OutputStanding.Changed] : [];
            PlannedOutput[] wanted = [.. StillNew(folder, now).Except(plan.Outputs.Where(output => unfinished.Any(u => u.Item1 == output.Key))), .. retried, .. changed];
            if (wanted.Length > 0)
            {
                await SubmitAsync(folder, plan, seed, [.. wanted.OrderBy(output => output.Index)], changed, cancellationToken);
            }

            var open = folder.Contents.History.Open.ToList();
            if (open.Count == 0)
            {
                return;
            }

            unfinished.AddRange(await new BatchHarvest(folder, gateway, progress, input.FileNames).BringInAsync(open, cancellationToken));
        }
    }

    /// <summary>New outputs, and those that were awaited from a job which is gone.</summary>
    private static IEnumerable<PlannedOutput> StillNew(BatchFolder folder, BatchDifference difference) =>
        difference[OutputStanding.New].Concat(difference[OutputStanding.Underway].Where(output => folder.Contents.History.Awaited(output.Key) is null));

    /// <summary>Finds the jobs of earlier runs again.</summary>
    private async Task ReopenAsync(BatchFolder folder, BatchPlan plan, ulong seed, CancellationToken cancellationToken)
    {
        var planned = plan.Outputs.ToDictionary(output => output.Key);
        foreach (var submission in folder.Contents.History.Open.ToList())
        {
            if (submission.Job is { } job)
            {
                if (await gateway.FindJobAsync(job, cancellationToken) is null)
                {
                    folder.Write([new JournalEntry.Closed(submission.Key)]);
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
            if (outputs.Contains(null) || !await TrySubmitAgainAsync(folder, submission.Key, seed, outputs!, cancellationToken))
            {
                folder.Write([new JournalEntry.Closed(submission.Key)]);
            }
        }
    }

    private async Task<bool> TrySubmitAgainAsync(
        BatchFolder folder, string key, ulong seed, IReadOnlyList<PlannedOutput> outputs, CancellationToken cancellationToken)
    {
        try
        {
            var job = await gateway.SubmitAsync(key, JobObject(seed), Requests(input.Items, outputs).Select(request => request.ToWire()), cancellationToken);
            folder.Write([new JournalEntry.Accepted(key, job.Id)]);
            return true;
        }
        catch (GatewayRefusal)
        {
            // Another gateway, or another model: what is missing is asked for under a new key, where a refusal is told.
            return false;
        }
    }

    private async Task SubmitAsync(
        BatchFolder folder, BatchPlan plan, ulong seed, IReadOnlyList<PlannedOutput> outputs, IReadOnlyList<PlannedOutput> changed, CancellationToken cancellationToken)
    {
        var history = folder.Contents.History;
        var replaced = outputs.Select(output => output.Key).ToHashSet();
        var taken = folder.Contents.Records.Values.Where(record => record.IsPicture && !replaced.Contains(record.Key)).Select(record => record.FileName!)
            .Concat(history.Open.SelectMany(open => open.Outputs.Values).Where(output => !replaced.Contains(output.Key)).Select(output => output.File).OfType<string>());
        var names = new OutputPlan(options.Name, plan.Outputs.Count, taken);
        var key = Guid.NewGuid().ToString("N");
        folder.Write(
        [
            .. outputs.Select(output => new JournalEntry.Output(
                output.Key.Id, output.Key.Sample, output.SpecHash,
                output.Extension is null ? null : names.Name(output.Index, output.Key.Id, output.Seed, output.Key.Sample, output.Extension))),
            new JournalEntry.Submitting(key),
        ]);
        folder.Remove([.. changed.Select(output => output.Key)]);
        var requests = Requests(input.Items, outputs);
        try
        {
            var job = await gateway.SubmitAsync(key, JobObject(seed), requests.Select(request => request.ToWire()), cancellationToken);
            folder.Write([new JournalEntry.Accepted(key, job.Id)]);
        }
        catch (GatewayRefusal refusal)
        {
            folder.Write([new JournalEntry.Closed(key)]);
            throw refusal.LineErrors.Count > 0
                ? BatchErrors.Of(input.Name, ToInputLines(refusal.LineErrors, requests))
                : new CommandException(refusal.ExitCode, refusal.Message, refusal);
        }
    }

    private BatchPlan Plan(ulong seed, IReadOnlyList<LineError> inputErrors)
    {
        var plan = BatchPlan.Of(input.Items, Defaults(), seed, model.Card);
        LineError[] errors = [.. inputErrors, .. plan.Errors];
        return errors.Length == 0 ? plan : throw BatchErrors.Of(input.Name, errors);
    }

    private ItemRequest Defaults() => BatchDefaults.Read(WireDefaults());

    private JsonObject WireDefaults()
    {
        var defaults = options.Defaults.DeepClone().AsObject();
        if (options.Question is not null)
        {
            defaults["question"] = options.Question;
        }

        return defaults;
    }

    private JsonObject JobObject(ulong seed)
    {
        var job = new JsonObject { ["seed"] = Text(seed) };
        if (options.Model is not null)
        {
            job["model"] = model.Id;
        }

        if (WireDefaults() is { Count: > 0 } defaults)
        {
            job["defaults"] = defaults;
        }

        return job;
    }

    private ulong SeedOf(BatchHistory history) => options.Seed ?? (history.Seed is { } seed
        ? ulong.Parse(seed, CultureInfo.InvariantCulture)
        : BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))));

    private void RefuseChanges(BatchDifference difference)
    {
        var changed = difference[OutputStanding.Changed];
        if (changed.Count == 0 || options.Overwrite)
        {
            return;
        }

        const int shown = 20;
        foreach (var output in changed.Take(shown))
        {
            console.Error.WriteLine($"{input.Name} line {input.Items[output.ItemIndex].Line}: {output.Key} was made from something else before.");
        }

        if (changed.Count > shown)
        {
            console.Error.WriteLine($"… and {changed.Count - shown} more.");
        }

        throw CommandException.BadInput(
            $"{changed.Count} outputs in {options.Out} were made from other prompts, settings or another model: --overwrite makes them again, another --out keeps them.");
    }

    private int Report(BatchFolder folder, BatchPlan plan, BatchProgress progress, List<(OutputKey Key, string Reason)> unfinished)
    {
        var failed = plan.Outputs.Where(output => folder.Contents.History.Failed.TryGetValue(output.Key, out var failure) && failure.Spec == output.SpecHash)
            .Select(output => (output.Key, folder.Contents.History.Failed[output.Key].Reason)).Concat(unfinished).ToList();
        var seconds = progress.Elapsed.TotalSeconds;
        var rate = progress.MadeCount > 0 && seconds > 0
            ? string.Create(CultureInfo.InvariantCulture, $" {progress.MadeCount} of them now, in {BatchProgress.Duration(progress.Elapsed)}: {progress.MadeCount / seconds:0.##} a second.")
            : "";
        console.Out.WriteLine($"{plan.Outputs.Count - failed.Count} of {plan.Outputs.Count} outputs are in {folder.Path}.{rate}");
        if (progress.ResumedInsideCount > 0)
        {
            console.Out.WriteLine($"{progress.ResumedInsideCount} of them went on inside, from tokens that an earlier run had generated.");
        }

        console.Out.WriteLine($"Contact sheet: {Path.Combine(folder.Path, ContactSheet.PageName(1))}");
        if (failed.Count == 0)
        {
            return ExitCode.AllDone;
        }

        console.Error.WriteLine($"{failed.Count} failed; --retry-failed runs them again:");
        foreach (var (key, reason) in failed)
        {
            console.Error.WriteLine($"  {key}: {reason}");
        }

        return ExitCode.SomeFailed;
    }

    private ContactSheetEntry ToEntry(BatchFolder folder, MetadataRecord record)
    {
        var fields = JsonNode.Parse(record.Json)!;
        var picture = record.FileName is { } file && !record.IsPicture
            ? Path.GetRelativePath(folder.Path, Path.GetFullPath(file, input.Folder)).Replace('\\', '/')
            : record.FileName;
        return new(
            picture, fields[record.IsPicture ? "prompt" : "question"]?.ToString() ?? "", record.IsPicture ? null : fields["text"]?.ToString(),
            $"{record.Key}, seed {fields["seed"]}");
    }

    /// <summary>Items to send: each asks for consecutive samples.</summary>
    private static List<ItemPart> Requests(IReadOnlyList<BatchItem> items, IReadOnlyList<PlannedOutput> outputs)
    {
        var parts = new List<ItemPart>();
        foreach (var output in outputs)
        {
            if (parts is [.., var last] && last.Item == items[output.ItemIndex] && last.FirstSample + last.SampleCount == output.Key.Sample)
            {
                parts[^1] = last with { SampleCount = last.SampleCount + 1 };
            }
            else
            {
                parts.Add(new(items[output.ItemIndex], output.Key.Sample, 1));
            }
        }

        return parts;
    }

    private static IEnumerable<LineError> ToInputLines(IEnumerable<LineError> errors, List<ItemPart> parts) => errors.Select(error =>
        error.Line >= 1 && error.Line <= parts.Count ? error with { Line = parts[error.Line - 1].Item.Line } : error).DistinctBy(error => (error.Line, error.Message));

    private static string Text(ulong seed) => seed.ToString(CultureInfo.InvariantCulture);

    private sealed record ItemPart(BatchItem Item, uint FirstSample, int SampleCount)
    {
        public string ToWire() => Item.ToWire(FirstSample, SampleCount);
    }
}
