using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace Emu3.Cli.Commands;

/// <summary><c>emu3 workers</c>: what runs the items, and the way back for a device that gets none.</summary>
internal static class WorkersCommand
{
    public static Command Create(CliConsole console)
    {
        var cluster = new ControlOptions();
        var command = new Command("workers", "List workers: ready, loading, quarantined.");
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) => ClusterSession.ControlAsync(cluster.Read(result), console, async (gateway, token) =>
        {
            Write(console, await gateway.WorkersAsync(token));
            return ExitCode.AllDone;
        }, cancellationToken));
        command.Subcommands.Add(CreateRelease(console));
        return command;
    }

    private static Command CreateRelease(CliConsole console)
    {
        var device = new Argument<string>("DEVICE") { Description = "As emu3 workers tells it, for example node-7/GPU-5fd4f087-86f3-7a43-b711-4771313afc50." };
        var cluster = new ControlOptions();
        var command = new Command("release", "Give a quarantined device work again.");
        command.Arguments.Add(device);
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) => ClusterSession.ControlAsync(cluster.Read(result), console, async (gateway, token) =>
        {
            Write(console, await gateway.ReleaseAsync(result.GetRequiredValue(device), token));
            return ExitCode.AllDone;
        }, cancellationToken));
        return command;
    }

    private static void Write(CliConsole console, IReadOnlyList<WorkerInfo> workers)
    {
        var table = new Table().AddColumns("Device", "Status", "Model", "Slots", "Running", "Rate", "Detail");
        foreach (var worker in workers)
        {
            table.AddRow(new[]
            {
                worker.Device, worker.Status, worker.Model,
                worker.Slots is { } slots ? string.Create(CultureInfo.InvariantCulture, $"{(worker.Load is { } load ? $"{load.UsedSlots} of " : "")}{slots}") : "",
                worker.Load is { } running ? string.Create(CultureInfo.InvariantCulture, $"{running.Running}") : "",
                worker.Load?.ItemsPerSecond is { } rate ? string.Create(CultureInfo.InvariantCulture, $"{rate:0.##}/s") : "",
                worker.Detail ?? worker.NumericClass ?? "",
            }.Select(Markup.Escape).ToArray());
        }

        console.Ansi.Write(table);
    }
}
