using System.CommandLine;
using Emu3.Gateway;
using Emu3.Silo;
using Emu3.Storage;
using Emu3.Storage.Configuration;
using Emu3.Storage.Objects;
using Emu3.Storage.Postgres;

namespace Emu3.Cli.Commands;

/// <summary><c>emu3 silo</c> and <c>emu3 gateway</c>: the parts of a cluster of several processes, so that one program, and one image, holds all of them.</summary>
internal static class ProgramCommands
{
    public static Command CreateSilo() => Create(
        "silo", "Run a silo of a cluster of several processes: it holds jobs, runs engines, or both (Silo:Roles).", "--Silo:Port 11111", SiloProgram.RunAsync);

    public static Command CreateGateway() => Create(
        "gateway", "Run a gateway of a cluster of several processes.", "--Gateway:Address http://127.0.0.1:8080", async (arguments, cancellationToken) =>
        {
            await GatewayProgram.RunAsync(arguments, cancellationToken);
            return ExitCode.AllDone;
        });

    private static Command Create(string name, string description, string example, Func<IReadOnlyList<string>, CancellationToken, Task<int>> run)
    {
        var settings = new Argument<string[]>("settings")
        {
            Arity = ArgumentArity.ZeroOrMore,
            Description = $"As {example}. Others come from appsettings.json beside the program, the file of --config FILE, and the environment "
                + $"({example[2..].Replace(":", "__", StringComparison.Ordinal).Split(' ')[0]}=…); where two say something, the later counts, and the command line last.",
        };
        var command = new Command(name, description) { Arguments = { settings } };
        command.SetAction(async (result, cancellationToken) =>
        {
            try
            {
                return await run(result.GetValue(settings) ?? [], cancellationToken);
            }
            catch (ConfigurationException wrong)
            {
                throw CommandException.BadInput(wrong.Message, wrong);
            }
            catch (Exception unusable) when (unusable is DataFolderException or DatabaseException or ObjectStoreException)
            {
                throw CommandException.NotStarted(unusable.Message, unusable);
            }
        });
        return command;
    }
}
