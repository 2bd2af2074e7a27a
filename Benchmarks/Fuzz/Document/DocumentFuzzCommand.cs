using System.CommandLine;
using System.Diagnostics;
using System.Security.Cryptography;

namespace Emu3.Benchmarks.Fuzz.Document;

/// <summary><c>document</c>: a run, its result file, and a last line that says it all.</summary>
internal static class DocumentFuzzCommand
{
    public static Command Create()
    {
        var seed = new Option<int?>("--seed") { Description = "Of the requests. Default: drawn." };
        var requests = new Option<int>("--requests") { Description = "Requests to send.", DefaultValueFactory = _ => 5_000 };
        var command = new Command("document", "Asks a gateway for everything that its OpenAPI document offers, and holds every answer to the document.") { seed, requests };
        command.SetAction((result, cancellationToken) => RunAsync(result.GetValue(seed) ?? RandomNumberGenerator.GetInt32(int.MaxValue), result.GetValue(requests), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int seed, int count, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("emu3-document-").FullName;
        Console.WriteLine($"seed {seed}; logs in {folder}");
        await using var cluster = await FuzzCluster.StartAsync(folder, cancellationToken);
        using var run = new DocumentRun(new($"http://{cluster.Address}"), FuzzCluster.AdminKey, cluster.UserKey, seed);
        var started = Stopwatch.GetTimestamp();
        var tally = await run.RunAsync(count, cancellationToken);
        var report = new Report("Fuzz: requests made from the OpenAPI document", $"dotnet run --project Benchmarks -c Release -- document --requests {count} --seed {seed}");
        report.Line("* a gateway that asks for keys, a control silo and a simulated worker, each a process; one request after the other, with names from earlier answers");
        report.Line($"* {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s; three in ten requests have one thing that the document forbids");
        report.Line("* \"refused\": 400 or 415 for one of the rules that the document has in words, or for the state of things");
        report.Line();
        report.Table(["", "allowed", "done", "refused", "forbidden", "statuses"], tally.Rows());
        report.Line("Why requests that the schemas allow were refused:");
        report.Table(["reason", "times"], tally.Reasons());
        foreach (var violation in tally.Violations) report.Line($"* {violation}");
        report.Line(tally.ToString());
        report.Save($"document-{seed}");
        Console.WriteLine(tally);
        return tally.Violations.Count == 0 ? 0 : 1;
    }
}
