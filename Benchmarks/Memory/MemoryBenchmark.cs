using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Emu3.Benchmarks.Memory;

/// <summary>
/// What stays resident of a process whose engine draws, answers and, beside, handles pictures of 720×720: with glibc's malloc as it is by itself, and as the
/// engine sets it. Each side is a process of its own, in turns.
/// </summary>
internal static class MemoryBenchmark
{
    // Setting anything of malloc keeps the engine from setting it; this is the value that glibc has anyway.
    private const string LeftAlone = "glibc.malloc.arena_test=8";

    public static async Task RunAsync(int runs, int rounds)
    {
        var report = new Report("Memory that stays", $"dotnet run --project Benchmarks -c Release -- memory --runs {runs} --rounds {rounds}");
        report.Line($"* each round: the codes of a picture of 720×720 (90×90 cells) decoded and such a picture encoded, by the vision tokenizer of emu3-tiny on a thread of its own, while an engine of emu3-tiny answers 8 questions and draws 8 pictures of 64×64");
        report.Line($"* {runs} runs of each side, in turns, {rounds} rounds each; resident memory (VmRSS) in MiB, median, with the smallest and the largest in brackets; ratios are taken run by run");
        var (before, after) = (new List<MemoryTrail>(), new List<MemoryTrail>());
        for (var run = 0; run < runs; run++)
        {
            before.Add(await SideAsync(rounds, isLeftAlone: true));
            after.Add(await SideAsync(rounds, isLeftAlone: false));
        }

        report.Table(
            ["malloc", "model loaded", "after the first round", "after the last round", "highest after a round", "seconds a round"],
            [Row("as glibc has it", before), Row("as the engine sets it", after),
                ["ratio", Ratio(trail => trail.Loaded), Ratio(trail => trail.AfterRounds[0]), Ratio(trail => trail.AfterRounds[^1]), Ratio(trail => trail.AfterRounds.Max()), Ratio(trail => trail.SecondsARound)]]);
        report.Table(
            ["malloc", "grown from the first round to the last", "left of what the rounds took beyond the loaded model"],
            [["as glibc has it", Spread(before, Growth), Spread(before, Left)], ["as the engine sets it", Spread(after, Growth), Spread(after, Left)]]);
        report.Save("memory");

        string Ratio(Func<MemoryTrail, double> of) => Report.Spread([.. after.Zip(before, (ours, theirs) => of(ours) / of(theirs))]);
    }

    private static double Growth(MemoryTrail trail) => trail.AfterRounds[^1] - trail.AfterRounds[0];

    private static double Left(MemoryTrail trail) => trail.AfterRounds[^1] - trail.Loaded;

    private static string Spread(IEnumerable<MemoryTrail> trails, Func<MemoryTrail, double> of) => Report.Spread([.. trails.Select(of)]);

    private static string[] Row(string name, IReadOnlyList<MemoryTrail> trails) =>
    [
        name, Spread(trails, trail => trail.Loaded), Spread(trails, trail => trail.AfterRounds[0]), Spread(trails, trail => trail.AfterRounds[^1]),
        Spread(trails, trail => trail.AfterRounds.Max()), Spread(trails, trail => trail.SecondsARound),
    ];

    private static async Task<MemoryTrail> SideAsync(int rounds, bool isLeftAlone)
    {
        string[] arguments = [Path.Combine(AppContext.BaseDirectory, "Emu3.Benchmarks.dll"), MemoryLoad.Command, rounds.ToString(CultureInfo.InvariantCulture)];
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true };
        if (isLeftAlone) start.Environment["GLIBC_TUNABLES"] = LeftAlone;
        using var process = Process.Start(start)!;
        var trail = JsonSerializer.Deserialize<MemoryTrail>(await process.StandardOutput.ReadToEndAsync())!;
        await process.WaitForExitAsync();
        return trail;
    }
}

/// <summary>Resident memory of one process, in MiB.</summary>
/// <param name="Loaded">With the model loaded, before it did anything.</param>
/// <param name="AfterRounds">After each round, at rest.</param>
/// <param name="SecondsARound">On average.</param>
internal sealed record MemoryTrail(double Loaded, double[] AfterRounds, double SecondsARound);
