using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Emu3.Cli.Batch;
using Spectre.Console;

namespace Emu3.Cli.Commands;

/// <summary><c>emu3 jobs</c>: what jobs there are, and what can be asked of one. Needs no model and no worker.</summary>
internal static class JobsCommand
{
    private const int MaxInPage = 100;

    public static Command Create(CliConsole console)
    {
        var command = new Command("jobs", "List jobs, and pause, resume, cancel, retry or delete them. Needs no model.");
        command.Subcommands.Add(CreateList(console));
        command.Subcommands.Add(CreateVerb("show", "Tell how a job stands.", console, async (gateway, job, token) =>
            await gateway.FindJobAsync(job, token) ?? throw CommandException.BadInput($"There is no job \"{job}\".")));
        command.Subcommands.Add(CreateVerb("pause", "Give nothing more out; what runs goes on later, inside.", console, (gateway, job, token) => gateway.AskAsync(job, "pause", token)));
        command.Subcommands.Add(CreateVerb("resume", "End a pause.", console, (gateway, job, token) => gateway.AskAsync(job, "resume", token)));
        command.Subcommands.Add(CreateVerb("cancel", "End all items that have not ended.", console, (gateway, job, token) => gateway.AskAsync(job, "cancel", token)));
        command.Subcommands.Add(CreateVerb("retry-failed", "Begin the failed items anew, in the same job.", console, (gateway, job, token) => gateway.AskAsync(job, "retry_failed", token)));
        command.Subcommands.Add(CreatePriority(console));
        command.Subcommands.Add(CreateDelete(console));
        return command;
    }

    private static Command CreateList(CliConsole console)
    {
        var limit = new Option<int>("--limit") { Description = "Jobs at most.", DefaultValueFactory = _ => 20 };
        limit.Within(1);
        var status = new Option<string?>("--status") { Description = "Only jobs of this status." };
        status.AcceptOnlyFromAmong("open", "queued", "running", "paused", "cancelling", "completed", "cancelled", "aborted");
        var json = JsonOption();
        var cluster = new ControlOptions();
        var command = new Command("list", "List jobs, newest first.");
        command.Options.Add(limit);
        command.Options.Add(status);
        command.Options.Add(json);
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) => ClusterSession.ControlAsync(cluster.Read(result), console, async (gateway, token) =>
        {
            var jobs = await ReadAsync(gateway, result.GetValue(limit), result.GetValue(status), token);
            Write(console, jobs, result.GetValue(json));
            return ExitCode.AllDone;
        }, cancellationToken));
        return command;
    }

    private static Command CreateVerb(string name, string description, CliConsole console, Func<GatewayClient, string, CancellationToken, Task<JobInfo>> ask)
    {
        var job = JobArgument();
        var json = JsonOption();
        var cluster = new ControlOptions();
        var command = new Command(name, description);
        command.Arguments.Add(job);
        command.Options.Add(json);
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) => ClusterSession.ControlAsync(cluster.Read(result), console, async (gateway, token) =>
        {
            var answer = await ask(gateway, result.GetRequiredValue(job), token);
            Write(console, [answer], result.GetValue(json));
            if (answer.Webhook is { } webhook && !result.GetValue(json)) console.Out.WriteLine($"Webhook {webhook}");
            return ExitCode.AllDone;
        }, cancellationToken));
        return command;
    }

    private static Command CreatePriority(CliConsole console)
    {
        var priority = new Argument<string>("PRIORITY") { Description = "high, normal or low." };
        priority.AcceptOnlyFromAmong("high", "normal", "low");
        var job = JobArgument();
        var cluster = new ControlOptions();
        var command = new Command("priority", "Change what goes before what.");
        command.Arguments.Add(job);
        command.Arguments.Add(priority);
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) => ClusterSession.ControlAsync(cluster.Read(result), console, async (gateway, token) =>
        {
            Write(console, [await gateway.SetPriorityAsync(result.GetRequiredValue(job), result.GetRequiredValue(priority), token)], isJson: false);
            return ExitCode.AllDone;
        }, cancellationToken));
        return command;
    }

    private static Command CreateDelete(CliConsole console)
    {
        var job = JobArgument();
        var cluster = new ControlOptions();
        var command = new Command("delete", "Remove a job that has ended, with its files.");
        command.Arguments.Add(job);
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) => ClusterSession.ControlAsync(cluster.Read(result), console, async (gateway, token) =>
        {
            var id = result.GetRequiredValue(job);
            _ = await gateway.FindJobAsync(id, token) ?? throw CommandException.BadInput($"There is no job \"{id}\".");
            await gateway.DeleteJobAsync(id, token);
            console.Out.WriteLine($"{id} is deleted.");
            return ExitCode.AllDone;
        }, cancellationToken));
        return command;
    }

    private static Argument<string> JobArgument() => new("JOB") { Description = "Id of the job, as emu3 jobs list tells it." };

    private static Option<bool> JsonOption() => new("--json") { Description = "One JSON object a line." };

    private static async Task<List<JobInfo>> ReadAsync(GatewayClient gateway, int limit, string? status, CancellationToken cancellationToken)
    {
        var jobs = new List<JobInfo>();
        var after = (string?)null;
        do
        {
            var page = await gateway.JobsAsync(after, Math.Min(MaxInPage, limit - jobs.Count), status, cancellationToken);
            jobs.AddRange(page.Data);
            after = page.Next;
        }
        while (after is not null && jobs.Count < limit);

        return jobs;
    }

    private static void Write(CliConsole console, IReadOnlyList<JobInfo> jobs, bool isJson)
    {
        if (isJson)
        {
            foreach (var job in jobs)
            {
                console.Out.WriteLine(JsonSerializer.Serialize(job, CliJson.Wire));
            }

            return;
        }

        var table = new Table().AddColumns("Job", "Status", "Priority", "Done", "Failed", "Left", "Rate", "Model", "Made");
        foreach (var job in jobs)
        {
            var (counts, left) = (job.Counts, job.Counts.Pending + job.Counts.Running);
            table.AddRow(new[]
            {
                job.Id, job.PauseReason is null ? job.Status : $"{job.Status} ({job.PauseReason.Replace('_', ' ')})", job.Priority ?? "",
                $"{counts.Done} of {counts.Total}", Number(counts.Failed), Number(left),
                job.ItemsPerSecond is { } rate ? string.Create(CultureInfo.InvariantCulture, $"{rate:0.##}/s{(job.EtaSeconds is { } eta ? $", {BatchProgress.Duration(TimeSpan.FromSeconds(eta))} left" : "")}") : "",
                job.Model ?? "", DateTimeOffset.FromUnixTimeSeconds(job.CreatedAt).ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
            }.Select(Markup.Escape).ToArray());
        }

        console.Ansi.Write(table);
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
