using System.CommandLine;
using System.Diagnostics;

namespace Emu3.Benchmarks.SameBytes;

/// <summary>Whether a list of requests gives the same bytes with any instructions, any number of threads, alone and in batches.</summary>
internal static class SameBytesBenchmark
{
    /// <summary>How the list is run.</summary>
    /// <param name="Variable">Of .NET, switched off; null for none.</param>
    /// <param name="Threads">That compute.</param>
    /// <param name="InFlight">Requests at once.</param>
    /// <param name="Every">One in so many requests: the portable kernels compute each multiply-add in several steps.</param>
    /// <param name="IsSmall">Only small ones: without any intrinsics a vector is handled number by number.</param>
    private sealed record Way(string? Variable, int Threads, int InFlight, int Every = 1, bool IsSmall = false);

    private static readonly Way[] s_ways =
    [
        .. from variable in (string?[])[null, "DOTNET_EnableAVX512"]
           from way in ((int Threads, int InFlight)[])[(1, 1), (2, 1), (1, 8), (2, 8), (2, 32)]
           select new Way(variable, way.Threads, way.InFlight),
        new("DOTNET_EnableAVX2", 1, 1, Every: 11), new("DOTNET_EnableAVX2", 2, 8, Every: 6),
        new("DOTNET_EnableHWIntrinsic", 2, 4, Every: 17, IsSmall: true),
    ];

    public static IEnumerable<Command> Commands()
    {
        var model = new Option<string>("--model") { Description = "A checkpoint folder.", DefaultValueFactory = _ => Places.Model };
        var count = new Option<int>("--requests") { Description = "Requests of the list.", DefaultValueFactory = _ => 200 };
        var benchmark = new Command("same-bytes", "Ids, pixels, PNG files and clips' codes of a list of requests: one hash with any instructions, threads and neighbours.") { model, count };
        benchmark.SetAction((result, cancellationToken) => RunAsync(result.GetValue(model)!, result.GetValue(count), cancellationToken));
        yield return benchmark;

        var places = new Option<int[]>("--requests") { Required = true, AllowMultipleArgumentsPerToken = true };
        var threads = new Option<int>("--threads") { Required = true };
        var inFlight = new Option<int>("--in-flight") { Required = true };
        var run = new Command(HashingProcess.Command, "One run of same-bytes, in this process.") { model, places, threads, inFlight };
        run.Hidden = true;
        run.SetAction((result, _) => HashingProcess.RunAsync(result.GetValue(model)!, result.GetValue(places)!, result.GetValue(threads), result.GetValue(inFlight)));
        yield return run;
    }

    /// <returns>1 when any two hashes differ.</returns>
    private static async Task<int> RunAsync(string model, int count, CancellationToken cancellationToken)
    {
        var report = new Report("The same bytes", $"dotnet run --project Benchmarks -c Release -- same-bytes --requests {count}");
        report.Line($"* model: {Path.GetFileName(Path.TrimEndingDirectorySeparator(model))}");
        report.Line("* of five requests three draw a picture (seven sizes, three guidance scales, four samplings), one asks a question, mostly about a picture, and one encodes and decodes a clip");
        report.Line("* hashed of each: ids and text; pixels and the bytes of the PNG file; a clip's codes, and pixels and PNG files of the frames decoded from them");
        report.Line("* each run is a process of its own; variables of .NET take instructions away as if the processor lacked them; the first run's hashes are what the others are compared with");
        int[] all = [.. Enumerable.Range(0, count)];
        string[]? first = null;
        List<string[]> rows = [];
        List<string> differences = [];
        foreach (var way in s_ways)
        {
            var started = Stopwatch.GetTimestamp();
            int[] requests = [.. all.Where(i => i % way.Every == 0 && (!way.IsSmall || RequestList.IsSmall(i)))];
            var found = await HashingProcess.StartAsync(way.Variable, model, requests, way.Threads, way.InFlight, cancellationToken);
            first ??= found.Hashes;
            differences.AddRange(from pair in requests.Zip(found.Hashes)
                                 where pair.Second != first[pair.First]
                                 select $"request {pair.First} with {found.Kernels}, {way.Threads} threads, {way.InFlight} in flight");
            rows.Add(
            [
                way.Variable is null ? "all" : $"`{way.Variable}=0`", found.Kernels, $"{way.Threads}", $"{way.InFlight}", $"{found.Hashes.Length}",
                $"`{OutputHashes.Together(found.Hashes)[..16]}`", $"`{OutputHashes.Together(requests.Select(i => first[i]))[..16]}`",
                Report.Figure(Stopwatch.GetElapsedTime(started).TotalSeconds),
            ]);
            Console.WriteLine(string.Join("  ", rows[^1]));
        }
        report.Table(["instructions", "kernels", "threads", "in flight", "requests", "hash", "the first run's of the same", "s"], rows);
        report.Line(differences.Count == 0 ? $"0 of {rows.Sum(row => int.Parse(row[4], System.Globalization.CultureInfo.InvariantCulture))} outputs differ." : $"{differences.Count} outputs differ: {string.Join("; ", differences.Take(10))}.");
        report.Save("same-bytes");
        return differences.Count == 0 ? 0 : 1;
    }
}
