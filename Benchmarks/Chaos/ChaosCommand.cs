using System.CommandLine;
using System.Security.Cryptography;

namespace Emu3.Benchmarks.Chaos;

/// <summary><c>chaos</c>: a run, its result file, and a last line that says it all.</summary>
internal static class ChaosCommand
{
    public static Command Create()
    {
        var seed = new Option<int?>("--seed") { Description = "Of the plan of faults; the same seed gives the same plan. Default: drawn." };
        var faults = new Option<int>("--faults") { Description = "Faults to inject.", DefaultValueFactory = _ => 200 };
        var items = new Option<int>("--items") { Description = "Items to run at least; more where they run out before the faults do.", DefaultValueFactory = _ => 2000 };
        var simulated = new Option<bool>("--simulated") { Description = "Workers without a model instead of the small checkpoint." };
        var store = new Option<string>("--store") { Description = "Where the tables are.", DefaultValueFactory = _ => "embedded" };
        store.AcceptOnlyFromAmong("embedded", "postgres");
        var gap = new Option<double?>("--gap") { Description = "Mean seconds between two faults. Default: 4, or 1 with --simulated." };
        var folder = new Option<string?>("--folder") { Description = "For data and logs, and kept. Default: a temporary one, kept where the run ends badly." };
        var command = new Command("chaos", "Kills, freezes and cuts off processes of a cluster at work, and looks whether anything was lost.") { seed, faults, items, simulated, store, gap, folder };
        command.SetAction((result, cancellationToken) => RunAsync(new()
        {
            Seed = result.GetValue(seed) ?? RandomNumberGenerator.GetInt32(int.MaxValue),
            FaultCount = result.GetValue(faults),
            ItemCount = result.GetValue(items),
            IsSimulated = result.GetValue(simulated),
            IsOnPostgres = result.GetValue(store) == "postgres",
            MeanGap = TimeSpan.FromSeconds(result.GetValue(gap) ?? (result.GetValue(simulated) ? 1 : 4)),
            Folder = Path.GetFullPath(result.GetValue(folder) ?? Directory.CreateTempSubdirectory("emu3-chaos-").FullName),
        }, isKept: result.GetValue(folder) is not null, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ChaosOptions options, bool isKept, CancellationToken cancellationToken)
    {
        Console.WriteLine($"logs in {options.Folder}");
        var result = await new ChaosRun(options, Console.WriteLine).RunAsync(cancellationToken);
        var kind = $"{(options.IsSimulated ? "simulated" : "tiny")}-{(options.IsOnPostgres ? "postgres" : "embedded")}";
        var report = new Report($"Chaos: {(options.IsSimulated ? "simulated workers" : "emu3-tiny")} on {(options.IsOnPostgres ? "PostgreSQL" : "the embedded store")}",
            $"dotnet run --project Benchmarks -c Release -- chaos --seed {options.Seed} --faults {options.FaultCount} --items {options.ItemCount}"
            + $"{(options.IsSimulated ? " --simulated" : "")} --store {(options.IsOnPostgres ? "postgres" : "embedded")} --gap {options.MeanGap.TotalSeconds}");
        report.Line($"* {options.ControlCount} control silos, {options.WorkerCount} worker silos, {options.GatewayCount} gateways; {result.StartCount} starts of processes");
        report.Line($"* {result.Injected.Values.Sum()} faults over {result.ItemCount} items in {result.JobCount} jobs, {result.Elapsed.TotalSeconds:0} s");
        report.Line($"* {result.Verdict.Right} items as in an undisturbed run, tokens and files; {result.Verdict.Resumed} went on inside a picture; the client came back {result.InterruptionCount} times");
        foreach (var (skipped, reason) in result.Skipped) report.Line($"* not injected: {skipped} ({reason})");
        report.Line();
        report.Line("## From a fault to the next item that ends anywhere");
        report.Table(["fault", "times", "median, s", "95th percentile, s", "worst, s"], result.Recovery);
        report.Line(result.Verdict.ToString());
        report.Save($"chaos-{kind}-{options.Seed}");
        if (result.Verdict.IsClean && !isKept) Directory.Delete(options.Folder, recursive: true);
        Console.WriteLine(result.Verdict);
        return result.Verdict.IsClean ? 0 : 1;
    }
}
