using System.CommandLine;
using System.Globalization;
using Emu3.Storage.Postgres;
using Npgsql;

namespace Emu3.Cli.Commands;

/// <summary><c>emu3 database</c>: what a PostgreSQL database needs before silos and gateways use it.</summary>
internal static class DatabaseCommand
{
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
        var command = new Command("apply", "Make the tables that are missing and renew the statements. What is stored stays; it may run again, and several at once.");
        command.Options.Add(text);
        command.Options.Add(file);
        command.Validators.Add(result =>
        {
            if (result.GetValue(text) is null == result.GetValue(file) is null)
            {
                result.AddError("Name one of --connection-string and --connection-string-file.");
            }
        });
        command.SetAction((result, cancellationToken) => ApplyAsync(result.GetValue(text), result.GetValue(file), console, cancellationToken));
        return command;
    }

    private static async Task<int> ApplyAsync(string? text, FileInfo? file, CliConsole console, CancellationToken cancellationToken)
    {
        await using var database = PostgresConnection.Open(Check(text ?? Read(file!)));
        try
        {
            var change = await PostgresSchema.ApplyAsync(database, cancellationToken);
            console.Out.WriteLine(Describe(change));
            return ExitCode.AllDone;
        }
        catch (NpgsqlException failure)
        {
            throw CommandException.NotStarted($"The database can't be prepared: {failure.Message}", failure);
        }
        catch (DatabaseException refused)
        {
            throw CommandException.NotStarted(refused.Message, refused);
        }
    }

    private static string Describe(SchemaChange change) => change is { TablesMade.Count: 0, StatementsRenewed: 0 }
        ? $"{change.Database}: nothing to do, version {PostgresSchema.Version.ToString(CultureInfo.InvariantCulture)} is there."
        : string.Create(CultureInfo.InvariantCulture, $"{change.Database}: version {PostgresSchema.Version} applied")
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
            throw CommandException.BadInput($"--connection-string-file can't be read: {refused.Message}", refused);
        }
    }

    private static string Check(string connectionString) =>
        PostgresConnection.Check(connectionString) is { } wrong ? throw CommandException.BadInput($"The connection string {wrong}.") : connectionString;
}
