using System.CommandLine;
using System.Text.Json;

namespace Emu3.Cli.Commands;

/// <summary><c>emu3 diagnose</c>: where the items of a job are that have not ended, and why.</summary>
internal static class DiagnoseCommand
{
    public static Command Create(CliConsole console)
    {
        var job = new Argument<string>("JOB") { Description = "Id of the job, as emu3 jobs list tells it." };
        var json = new Option<bool>("--json") { Description = "The whole diagnosis as one JSON object." };
        var cluster = new ControlOptions();
        var command = new Command("diagnose", "Tell where each item of a job is that has not ended, and why.");
        command.Arguments.Add(job);
        command.Options.Add(json);
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) => ClusterSession.ControlAsync(cluster.Read(result), console, async (gateway, token) =>
        {
            var diagnosis = await gateway.DiagnoseAsync(result.GetRequiredValue(job), token);
            if (result.GetValue(json))
            {
                console.Out.WriteLine(diagnosis.ToJsonString(CliJson.Readable));
                return ExitCode.AllDone;
            }

            if (diagnosis["job"]?.Deserialize<JobInfo>(CliJson.Wire) is { Counts: var counts } told)
            {
                console.Out.WriteLine($"{told.Id} is {told.Status}: {counts.Done} of {counts.Total} done, {counts.Failed} failed, {counts.Running} running, {counts.Pending} waiting.");
            }

            foreach (var finding in diagnosis["findings"]!.AsArray())
            {
                console.Out.WriteLine($"  {finding!["message"]}");
            }

            return ExitCode.AllDone;
        }, cancellationToken));
        return command;
    }
}
