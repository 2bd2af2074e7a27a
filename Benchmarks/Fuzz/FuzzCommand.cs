using System.CommandLine;
using System.Security.Cryptography;

namespace Emu3.Benchmarks.Fuzz;

/// <summary><c>fuzz</c>: a run, its result file, and a last line that says it all.</summary>
internal static class FuzzCommand
{
    public static Command Create()
    {
        var seed = new Option<int?>("--seed") { Description = "Of the requests; the same seed gives the same requests. Default: drawn." };
        var requests = new Option<int>("--requests") { Description = "Requests to send.", DefaultValueFactory = _ => 100_000 };
        var only = new Option<int?>("--only") { Description = "Sends only the request of this number, and tells it and its answer." };
        var connections = new Option<int>("--connections") { Description = "Requests on their way at once.", DefaultValueFactory = _ => 8 };
        var folder = new Option<string?>("--folder") { Description = "For data, logs and violations, and kept. Default: a temporary one, kept where the run ends badly." };
        var command = new Command("fuzz", "Sends broken requests of every kind to a gateway, and looks whether each is refused as it should be.") { seed, requests, only, connections, folder };
        command.SetAction((result, cancellationToken) => RunAsync(new()
        {
            Seed = result.GetValue(seed) ?? RandomNumberGenerator.GetInt32(int.MaxValue),
            RequestCount = result.GetValue(requests),
            Only = result.GetValue(only),
            ConnectionCount = result.GetValue(connections),
            Folder = Path.GetFullPath(result.GetValue(folder) ?? Directory.CreateTempSubdirectory("emu3-fuzz-").FullName),
        }, isKept: result.GetValue(folder) is not null, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(FuzzOptions options, bool isKept, CancellationToken cancellationToken)
    {
        Console.WriteLine($"seed {options.Seed}; logs and violations in {options.Folder}");
        using var run = new FuzzRun(options, Console.WriteLine);
        var result = await run.RunAsync(cancellationToken);
        if (options.Only is null) Write(options, result);
        if (result.Verdict.IsClean && !isKept) Directory.Delete(options.Folder, recursive: true);
        Console.WriteLine(result.Verdict);
        return result.Verdict.IsClean ? 0 : 1;
    }

    private static void Write(FuzzOptions options, FuzzResult result)
    {
        var report = new Report("Fuzz: broken requests of every kind", $"dotnet run --project Benchmarks -c Release -- fuzz --requests {options.RequestCount} --seed {options.Seed}");
        report.Line($"* a gateway that asks for keys, a control silo and a simulated worker, each a process; {options.ConnectionCount} requests at once, each on a connection of its own");
        report.Line($"* {result.Elapsed.TotalSeconds:0} s, {result.Verdict.RequestCount / result.Elapsed.TotalSeconds:0} requests/s; the slowest took {result.Slowest.TotalSeconds:0.0} s, of {options.Deadline.TotalSeconds:0} s that each has");
        report.Line($"* memory: {result.Verdict.Growth ?? "the gateway's did not grow beyond the bound (a quarter and 64 MiB, resident and on the heap), which is held to 256 MiB"}");
        string[] head = ["", "requests", "2xx, 3xx", "4xx", "refused by the parser", "cut", "violations"];
        report.Line();
        report.Line("## By the route that a request was made from");
        report.Table(head, result.Verdict.RowsByRoute());
        report.Line("## By what was done to it first");
        report.Table(head, result.Verdict.RowsByKind());
        report.Line("## Memory, at the end of rounds of a thousand requests");
        report.Table(["after requests", .. result.Memory.SelectMany(watch => (string[])[$"{watch.Process} resident, MiB", $"{watch.Process} heap, MiB"])], Rows(result.Memory));
        report.Line(result.Verdict.ToString());
        report.Save($"fuzz-{options.Seed}");
    }

    /// <summary>Twenty or so, over the whole run.</summary>
    private static IEnumerable<string[]> Rows(IReadOnlyList<MemoryWatch> memory)
    {
        var count = memory[0].Readings.Count;
        return Enumerable.Range(0, count).Where(round => round % Math.Max(1, count / 20) == 0 || round == count - 1).Select(round => (string[])
        [
            $"{(round + 1) * FuzzOptions.RoundLength}",
            .. memory.SelectMany(watch => (string[])[$"{watch.Readings[round].ResidentBytes >> 20}", $"{watch.Readings[round].HeapBytes >> 20}"]),
        ]);
    }
}
