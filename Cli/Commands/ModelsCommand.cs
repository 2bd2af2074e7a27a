using System.CommandLine;
using System.Globalization;
using Emu3.Cli.Models;
using Spectre.Console;

namespace Emu3.Cli.Commands;

/// <summary><c>emu3 models</c>: what is served, and what requests take where they say nothing.</summary>
internal static class ModelsCommand
{
    public static Command Create(CliConsole console)
    {
        var cluster = new ClusterOptions();
        var command = new Command("models", "List the models that are served, or fetch a checkpoint.");
        cluster.AddTo(command);
        command.Subcommands.Add(FetchCommand.Create(console));
        command.SetAction((result, cancellationToken) => RunAsync(cluster.Read(result), console, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ClusterChoice choice, CliConsole console, CancellationToken cancellationToken)
    {
        return await ClusterSession.UseAsync(choice, console, (session, token) => ListAsync(session, console, token), cancellationToken);
    }

    private static async Task<int> ListAsync(ClusterSession session, CliConsole console, CancellationToken cancellationToken)
    {
        var table = new Table().AddColumns("Model", "Does", "Picture", "Positions", "Defaults", "Workers", "Slots", "Weights");
        foreach (var model in await session.Gateway.ModelsAsync(cancellationToken))
        {
            var info = model.Info;
            var side = (int)Math.Round(Math.Sqrt(info.ImageArea));
            table.AddRow(new[]
            {
                model.Id, Does(info.CanDraw, info.CanChat), $"{side}x{side}", Number(info.MaxPositions),
                string.Create(CultureInfo.InvariantCulture, $"guidance {info.GuidanceScale}, temperature {info.ImageSampling.Temperature}, top-k {info.ImageSampling.TopK}, top-p {info.ImageSampling.TopP}"),
                Number(model.Workers), Number(model.Slots), info.WeightsHash[..Math.Min(12, info.WeightsHash.Length)],
            }.Select(Markup.Escape).ToArray());
        }

        console.Ansi.Write(table);
        return ExitCode.AllDone;
    }

    private static string Does(bool canDraw, bool canChat) => (canDraw, canChat) switch
    {
        (true, true) => "draws, answers",
        (true, false) => "draws",
        _ => "answers",
    };

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
