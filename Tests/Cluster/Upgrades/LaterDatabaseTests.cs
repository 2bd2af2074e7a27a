using Emu3.Benchmarks.Processes;
using Emu3.Storage.Postgres;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster.Upgrades;

/// <summary>A program that an update left behind: its cluster's database was prepared for a release that it does not know.</summary>
[Trait("Suite", "Cluster")]
public sealed class LaterDatabaseTests(PostgresFixture postgres) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("Emu3.Silo.dll", "--Engine:Kind=simulated")]
    [InlineData("Emu3.Gateway.dll")]
    public async Task Program_OnADatabaseOfALaterRelease_SaysSo_AndEnds(string program, params string[] settings)
    {
        var (database, refusal) = await postgres.TryCreateDatabaseAsync(isEmpty: true);
        Assert.SkipWhen(database is null, refusal ?? "");
        await using (var source = PostgresConnection.Open(database!))
            await PostgresSchema.ApplyAsync(source, TestContext.Current.CancellationToken, new(1000, 1000));

        var (isDone, text) = await SystemCommand.RunAsync(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, program), "--Cluster:Provider=Postgres", $"--Cluster:ConnectionString={database}", $"--Cluster:BlobFolder={_folder.FullPath}", .. settings]);

        Assert.False(isDone);
        Assert.Matches(@"^The database test_\d+ on .* belongs to a later release: programs from store version 1000 on can use it, and this one has version \d+\. Start the later release\.$", text);
    }
}
