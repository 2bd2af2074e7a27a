using Emu3.Benchmarks.Processes;
using Emu3.Tests.Cluster.Processes;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster.Upgrades;

/// <summary>A cluster of the previous release on PostgreSQL, whose processes can be replaced by those of this one.</summary>
public sealed class UpgradedCluster(PostgresFixture postgres) : DisturbedCluster
{
    private string? _connectionString;

    /// <summary>Prepares the database for this release, as its operator does first.</summary>
    internal Task ApplyAsync() => ApplyAsync(AppContext.BaseDirectory);

    /// <summary>Tells a process to end and has it start again, with the program of this release, as a rolling update does.</summary>
    internal async Task RollAsync(ClusterProcess process)
    {
        process.RunFrom(AppContext.BaseDirectory);
        await StartAgainAsync(process, () => process.Terminate());
        Assert.True(process.ExitCode == 0, $"{process.Name} ended with {process.ExitCode}.{Environment.NewLine}{Processes.TellLogs()}");
    }

    /// <summary>Kills a process and has it start again as the program that it was.</summary>
    internal Task CrashAsync(ClusterProcess process) => StartAgainAsync(process, () => _ = process.KillAsync());

    /// <summary>Ends a process by what is done, and waits until it is back in the cluster.</summary>
    private async Task StartAgainAsync(ClusterProcess process, Action end)
    {
        var before = await Processes.ActiveAsync(process, TestContext.Current.CancellationToken);
        var ended = process.Ended;
        end();
        await ended;
        if (Processes.Silos.Contains(process))
        {
            await Eventually.TrueAsync(
                $"{process.Name} is back", async () => (await Processes.ActiveAsync(process, TestContext.Current.CancellationToken))?.Generation > (before?.Generation ?? 0), () => Processes.TellLogs());
        }

        await WholeAsync();
    }

    private protected override async Task<(ProcessClusterPlan? Plan, string? Refusal)> CompleteAsync(ProcessClusterPlan plan)
    {
        var (programs, refusal) = await PreviousRelease.ProgramsAsync();
        if (programs is null) return (null, refusal);
        (_connectionString, refusal) = await postgres.TryCreateDatabaseAsync(isEmpty: true);
        if (_connectionString is null) return (null, refusal);
        await ApplyAsync(programs);
        return (plan with
        {
            ProgramFolder = programs,
            Postgres = _connectionString,
            HasTables = true,
            GatewayCount = 2,
            // One picture at a time: even a small job lasts a while.
            WorkerSettings = new Dictionary<string, string>(plan.WorkerSettings) { ["Engine:SlotCount"] = "2" },
        }, null);
    }

    private Task ApplyAsync(string programs) =>
        SystemCommand.DoAsync("dotnet", Path.Combine(programs, "emu3.dll"), "database", "apply", "--connection-string", _connectionString!);
}
