using System.CommandLine;
using System.Globalization;
using Emu3.Storage;
using Emu3.Storage.Configuration;
using Emu3.Storage.Postgres;

namespace Emu3.Cli.Commands;

/// <summary><c>emu3 database</c>: what a PostgreSQL database needs before silos and gateways use it.</summary>
internal static class DatabaseCommand
{
    private const int DefaultWait = 300;
    private const int MaxWait = 24 * 3600;

    public static Command Create(CliConsole console)
    {
        var command = new Command("database", "Prepare a PostgreSQL database for silos and gateways (Cluster:Provider=Postgres).");
        command.Subcommands.Add(CreateApply(console));
        return command;
    }

    private static Command CreateApply(CliConsole console)
    {
        var text = new Option<string?>("--connection-string") { Description = "As \"Host=db;Database=emu3;Username=emu3\"." };
        var file = new Option<FileInfo?>("--connection-string-file") { Description = "A file that holds it, as a mounted secret." };
        var wait = new Option<int?>("--wait")
        {
            Arity = ArgumentArity.ZeroOrOne,
            HelpName = "seconds",
            Description = $"Wait for a server that does not answer yet, or that has not made the database yet. Default: not at all; without a number {DefaultWait} seconds.",
        };
        wait.Within(0, MaxWait);
        var command = new Command(
            "apply",
            "Make the tables that are missing and renew the statements. What is stored stays; it may run again, and several at once. Without an option the database is the one of a "
            + "silo or gateway that is started here: Cluster__ConnectionString or Cluster__ConnectionStringFile of the environment, or of appsettings.json beside the program.");
        command.Options.Add(text);
        command.Options.Add(file);
        command.Options.Add(wait);
        command.Validators.Add(result =>
        {
            if (result.GetValue(text) is not null && result.GetValue(file) is not null)
            {
                result.AddError("Name one of --connection-string and --connection-string-file.");
            }
        });
        command.SetAction((result, cancellationToken) =>
        {
            var seconds = result.GetResult(wait) is null ? 0 : result.GetValue(wait) ?? DefaultWait;
            return ApplyAsync(ConnectionString(result.GetValue(text), result.GetValue(file)), TimeSpan.FromSeconds(seconds), console, cancellationToken);
        });
        return command;
    }

    private static async Task<int> ApplyAsync(string connectionString, TimeSpan patience, CliConsole console, CancellationToken cancellationToken)
    {
        await using var database = PostgresConnection.Open(connectionString);
        try
        {
            var change = await new DatabaseWait(patience, console.Time, console.Error.WriteLine).UntilAsync(
                database, () => PostgresSchema.ApplyAsync(database, cancellationToken), cancellationToken);
            console.Out.WriteLine(Describe(change));
            return ExitCode.AllDone;
        }
        catch (DatabaseException refused)
        {
            throw CommandException.NotStarted(refused.Message, refused);
        }
    }

    /// <summary>As the options say, else as the settings of a silo or gateway do.</summary>
    private static string ConnectionString(string? text, FileInfo? file)
    {
        if (text is null && file is null)
        {
            var cluster = ProgramConfiguration.Read([]).GetSection(ClusterConnection.Section);
            text = cluster[nameof(ClusterConnection.ConnectionString)];
            file = cluster[nameof(ClusterConnection.ConnectionStringFile)] is { Length: > 0 } path ? new(path) : null;
            if (string.IsNullOrEmpty(text) == file is null)
            {
                throw CommandException.BadInput(
                    "Name the database: --connection-string, --connection-string-file, or one of Cluster__ConnectionString and Cluster__ConnectionStringFile in the environment.");
            }
        }

        return Check(file is null ? text! : Read(file));
    }

    private static string Describe(SchemaChange change) => change is { TablesMade.Count: 0, StatementsRenewed: 0 }
        ? $"{change.Database}: nothing to do, version {change.Version.ToString(CultureInfo.InvariantCulture)} is there."
        : string.Create(CultureInfo.InvariantCulture, $"{change.Database}: version {change.Version} applied")
            + (change.TablesMade.Count > 0 ? $", made {string.Join(", ", change.TablesMade)}" : "")
            + string.Create(CultureInfo.InvariantCulture, $", {change.StatementsRenewed} statements renewed.");

    private static string Read(FileInfo file)
    {
        try
        {
            return File.ReadAllText(file.FullName).Trim();
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw CommandException.BadInput($"The file of the connection string can't be read: {refused.Message}", refused);
        }
    }

    private static string Check(string connectionString) =>
        PostgresConnection.Check(connectionString) is { } wrong ? throw CommandException.BadInput($"The connection string {wrong}.") : connectionString;
}
