using System.CommandLine;
using Emu3.Cli.Batch;
using Emu3.Cli.Batch.Plan;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli.Commands;

/// <summary><c>emu3 batch</c>: many prompts or pictures into a folder.</summary>
internal static class BatchCommand
{
    public static Command Create(CliConsole console)
    {
        var input = new Argument<string>("FILE")
        {
            Description = "JSON Lines (own fields, OpenAI/vLLM batch lines, or a metadata.jsonl of emu3), CSV with a header, plain text with one prompt a line, - for standard input, "
                + $"or with --ask a folder of pictures ({PictureKinds.Names}, told by their content, also in folders below; files that can't be read are skipped, and named at the end).",
        }.NotEmpty();
        var output = new Option<string>("--out") { Description = "Folder for pictures, metadata.jsonl and index.html.", Required = true }.NotEmpty();
        var format = new Option<InputFormat>("--input-format") { Description = "jsonl, csv or text. Default: by the file's name, else by its first line." };
        var ask = new Option<string?>("--ask") { Description = "Question for every picture that comes without one." };
        var name = new Option<string>("--name") { Description = "File names: {id}, {seed}, {sample} and {index} are filled in.", DefaultValueFactory = _ => "{id}-{seed}" };
        var seed = new SeedOption("Items without a seed derive theirs from it. Default: drawn once and kept in the folder.");
        var overwrite = new Option<bool>("--overwrite") { Description = "Make items again that changed since, and replace their pictures." };
        var retryFailed = new Option<bool>("--retry-failed") { Description = "Run items again that failed before." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Report bad lines, positions, disk and expected time; run and write nothing." };
        var shard = new Option<BatchShard?>("--shard")
        {
            Description = "i/n: take every n-th item, from the i-th on, into a folder of its own below --out. For array jobs: 1/8 to 8/8 make together what one run makes.",
            CustomParser = result =>
            {
                if (BatchShard.TryParse(result.Tokens[0].Value, out var read))
                {
                    return read;
                }

                result.AddError($"--shard must be i/n with i from 1 to n, as 1/8, and is \"{result.Tokens[0].Value}\".");
                return null;
            },
        };
        var priority = new Option<string?>("--priority") { Description = "high, normal or low, against other jobs of the cluster. Default: normal." };
        priority.AcceptOnlyFromAmong("high", "normal", "low");
        var maxFailures = new Option<int?>("--max-failures") { Description = "Failed items that the job goes on with; one more pauses it. Default: any number." };
        maxFailures.Within(0);
        var pictures = new PictureOptions();
        var cluster = new ClusterOptions();
        var command = new Command("batch", "Draw a picture for every prompt of a file, or answer a question about every picture of a folder. Started again, it goes on where it was.");
        command.Arguments.Add(input);
        foreach (var option in (Option[])[output, format, ask, name, overwrite, retryFailed, dryRun, shard, priority, maxFailures])
        {
            command.Options.Add(option);
        }

        seed.AddTo(command);
        pictures.AddTo(command);
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) =>
        {
            var part = result.GetValue(shard) ?? BatchShard.Whole;
            var folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(result.GetRequiredValue(output)));
            var options = new BatchOptions
            {
                Input = result.GetRequiredValue(input),
                Out = part.IsWhole ? folder : Path.Combine(folder, part.FolderName),
                Format = result.GetValue(format),
                Question = result.GetValue(ask),
                Name = result.GetValue(name)!,
                Seed = seed.Read(result),
                Overwrite = result.GetValue(overwrite),
                RetryFailed = result.GetValue(retryFailed),
                DryRun = result.GetValue(dryRun),
                Shard = part,
                Priority = result.GetValue(priority),
                MaxFailures = result.GetValue(maxFailures),
                Defaults = pictures.Read(result),
            };
            var choice = cluster.Read(result) with { CanWait = true };
            return RunAsync(options, part.IsWhole || cluster.IsDataSaid(result) ? choice : choice with { Data = part.DataFolderFor(folder) }, console, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(BatchOptions options, ClusterChoice choice, CliConsole console, CancellationToken cancellationToken)
    {
        // Everything that can be told without a cluster is told before one is started.
        OutputFolderRule.Check(options.Input, options.Out);
        _ = new OutputPlan(options.Name, 0, []);
        _ = BatchDefaults.Read(options.Defaults);
        var input = BatchInput.Load(options.Input, options.Format, options.Question, console.OpenInput);
        if (input.Errors.Count > 0 && !options.DryRun)
        {
            throw BatchErrors.Of(input.Name, input.Errors);
        }

        if (!options.Shard.IsWhole && options.Seed is null && input.Items.Any(item => item.Request.Seed is null))
        {
            throw CommandException.BadInput("--shard needs --seed, the same for all shards: each would draw its own for items that have none.");
        }

        SkippedFiles.Announce(console, input.Skipped);
        ClusterSession? session = null;
        try
        {
            return await ClusterSession.UseAsync(choice, console, (opened, token) => RunAsync(options, input, choice, session = opened, console, token), cancellationToken);
        }
        catch (OperationCanceledException) when (session is not null && cancellationToken.IsCancellationRequested)
        {
            console.Error.WriteLine(session.IsLocal
                ? $"Interrupted. What was finished is in {options.Out}, the rest waits in {choice.Data}: the same command goes on."
                : $"Interrupted. What was finished is in {options.Out}, the job goes on at {session.Gateway.Address}: the same command brings in the rest.");
            throw;
        }
    }

    private static async Task<int> RunAsync(
        BatchOptions options, BatchInput input, ClusterChoice choice, ClusterSession session, CliConsole console, CancellationToken cancellationToken)
    {
        options = options with { DataFolder = session.IsLocal ? choice.Data : null, Model = session.Model.Id };
        var work = new BatchWork(options, input, session.Model);
        return options.DryRun
            ? await new BatchDryRun(work, session.Gateway, console).RunAsync(cancellationToken)
            : await new BatchRun(work, session.Gateway, console) { DescribeDevices = session.DescribeDevices }.RunAsync(cancellationToken);
    }
}
