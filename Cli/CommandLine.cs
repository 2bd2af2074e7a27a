using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Emu3.Cli.Commands;

namespace Emu3.Cli;

/// <summary>The program: its commands, what is said when one can't be done, and what it exits with.</summary>
internal static class CommandLine
{
    private const string ExitCodes = """
        Exit codes:
          0    everything is there
          1    some items failed, files were skipped, or pictures are not the same when made again; they are listed
          2    the command line or the input is wrong; nothing was run
          3    the cluster could not start, or the gateway does not answer
          4    an unexpected error, of the disk or of emu3 itself; --verbose shows where
          130  interrupted; the same command goes on

        """;

    /// <summary>Runs one command line.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, CliConsole console, CancellationToken cancellationToken)
    {
        var result = Create(console).Parse(arguments);
        if (result.Errors.Count > 0 && result.Action is not (HelpThenExitCodes or { ClearsParseErrors: true }))
        {
            console.Error.WriteLine(string.Join(Environment.NewLine, result.Errors.Select(error => error.Message)));
            console.Error.WriteLine($"{string.Join(' ', PathOf(result.CommandResult.Command))} --help tells what there is.");
            return ExitCode.BadInput;
        }

        try
        {
            // Signals are ours to handle, and so are exceptions.
            InvocationConfiguration configuration = new()
            {
                Output = console.Out,
                Error = console.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            };
            return await result.InvokeAsync(configuration, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        catch (Exception e)
        {
            console.Error.WriteLine(arguments.Contains("--verbose") ? e.ToString() : Describe(e));
            return e switch
            {
                CommandException command => command.ExitCode,
                GatewayRefusal refusal => refusal.ExitCode,
                _ => ExitCode.Unexpected,
            };
        }
    }

    /// <summary>Errors of the disk name the file. Any other unexpected exception is a bug in this program, and the message says so.</summary>
    private static string Describe(Exception e) => e is CommandException or GatewayRefusal or IOException or UnauthorizedAccessException
        ? e.Message
        : $"Unexpected error, a bug in emu3: {e.GetType().Name}: {e.Message} (--verbose shows where).";

    internal static RootCommand Create(CliConsole console)
    {
        var root = new RootCommand("emu3 draws pictures from prompts and answers questions about pictures, with Emu3 checkpoints.");
        root.Subcommands.Add(BatchCommand.Create(console));
        root.Subcommands.Add(GenerateCommand.Create(console));
        root.Subcommands.Add(ChatCommand.Create(console));
        root.Subcommands.Add(VerifyCommand.Create(console));
        root.Subcommands.Add(ServeCommand.Create(console));
        root.Subcommands.Add(JobsCommand.Create(console));
        root.Subcommands.Add(DiagnoseCommand.Create(console));
        root.Subcommands.Add(WorkersCommand.Create(console));
        root.Subcommands.Add(KeysCommand.Create(console));
        root.Subcommands.Add(WebhooksCommand.Create(console));
        root.Subcommands.Add(ModelsCommand.Create(console));
        root.Subcommands.Add(DatabaseCommand.Create(console));
        root.Subcommands.Add(DoctorCommand.Create(console));
        root.Subcommands.Add(ProgramCommands.CreateSilo());
        root.Subcommands.Add(ProgramCommands.CreateGateway());
        root.Subcommands.Add(DeviceCommand.Create(console));
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpThenExitCodes((HelpAction)help.Action!);
        return root;
    }

    private static IEnumerable<string> PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? [.. PathOf(parent), command.Name] : [command.Name];

    private sealed class HelpThenExitCodes(HelpAction help) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            var exitCode = help.Invoke(parseResult);
            parseResult.InvocationConfiguration.Output.Write(ExitCodes);
            return exitCode;
        }
    }
}
