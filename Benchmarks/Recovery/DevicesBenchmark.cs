using System.Diagnostics;
using System.Globalization;
using Emu3.Benchmarks.Processes;

namespace Emu3.Benchmarks.Recovery;

/// <summary><c>emu3 batch --devices cpu,cpu</c> while one of its children is killed every few seconds: it finishes all the same, with the same files.</summary>
internal static class DevicesBenchmark
{
    private static readonly TimeSpan s_between = TimeSpan.FromSeconds(4);

    public static async Task RunAsync(Report report)
    {
        var folder = Directory.CreateTempSubdirectory("emu3-devices-").FullName;
        var calm = await BatchAsync(folder, "calm", isDisturbed: false);
        var killed = await BatchAsync(folder, "killed", isDisturbed: true);
        var equal = calm.Files.Count(file => killed.Files.TryGetValue(file.Key, out var bytes) && bytes.AsSpan().SequenceEqual(file.Value));
        report.Line();
        report.Line("## `emu3 batch --devices cpu,cpu` with one child killed every few seconds");
        report.Table(["", "seconds", "kills", "exit code", "pictures", "as undisturbed"],
        [
            ["undisturbed", Report.Figure(calm.Elapsed.TotalSeconds), "0", $"{calm.ExitCode}", $"{calm.Files.Count}", ""],
            [$"a child killed every {s_between.TotalSeconds:0} s", Report.Figure(killed.Elapsed.TotalSeconds), $"{killed.Kills}", $"{killed.ExitCode}", $"{killed.Files.Count}", $"{equal}"],
        ]);
        if (killed.ExitCode != 0 || equal != calm.Files.Count) throw new InvalidOperationException($"The disturbed batch lost something; see {folder}.");
        Directory.Delete(folder, recursive: true);
    }

    private static async Task<Run> BatchAsync(string folder, string name, bool isDisturbed)
    {
        var results = Path.Combine(folder, name);
        string[] command =
        [
            "dotnet", Path.Combine(AppContext.BaseDirectory, "emu3.dll"), "batch", Path.Combine(Places.Root, "examples", "shapes.jsonl"), "--n", "4", "--seed", "7",
            "--out", results, "--data", Path.Combine(folder, $"data-{name}"), "--devices", "cpu,cpu", "--threads", "1", "--slots", "8",
        ];
        var started = Stopwatch.GetTimestamp();
        using var batch = ProcessStarter.Start([], command, new Dictionary<string, string>(), Path.Combine(folder, name + ".log"));
        var kills = 0;
        var end = batch.WaitForExitAsync();
        var random = new Random(7);
        while (isDisturbed && await Task.WhenAny(end, Task.Delay(s_between, TimeProvider.System)) != end)
        {
            var children = ChildrenOf(batch.Id);
            if (children.Count > 0 && UnixSignals.Send(children[random.Next(children.Count)], UnixSignals.Kill)) kills++;
        }

        await end;
        var files = Directory.Exists(results) ? Directory.GetFiles(results, "*.png").ToDictionary(file => Path.GetFileName(file)!, File.ReadAllBytes) : [];
        return new(Stopwatch.GetElapsedTime(started), batch.ExitCode, kills, files);
    }

    /// <summary>As the kernel lists them, over all threads that may have made them.</summary>
    private static List<int> ChildrenOf(int process) => [.. Directory.GetDirectories($"/proc/{process}/task")
        .Select(thread => Path.Combine(thread, "children")).Where(File.Exists).SelectMany(file => File.ReadAllText(file).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Select(id => int.Parse(id, CultureInfo.InvariantCulture))];

    private sealed record Run(TimeSpan Elapsed, int ExitCode, int Kills, Dictionary<string, byte[]> Files);
}
