using System.Diagnostics;
using System.Text.Json;
using Emu3.Cli;
using Emu3.Cli.Batch;
using Emu3.Cli.Commands;

namespace Emu3.Benchmarks.Pictures;

/// <summary><c>emu3 batch</c> in this process, on a cluster that was started beforehand: from the input file to the last picture in the folder.</summary>
internal sealed class EmuBatch
{
    private readonly string folder;
    private readonly ClusterSession session;

    private EmuBatch(string folder, ClusterSession session) => (this.folder, this.session) = (folder, session);

    /// <summary>Starts a cluster that runs emu3-tiny with so many pictures in flight, on so many threads, does the work, and ends it.</summary>
    public static Task UseAsync(int inFlight, int threads, Func<EmuBatch, Task> work) =>
        UseAsync(folder => new() { Data = Path.Combine(folder, "data"), Model = Places.Model, Slots = 2 * inFlight, Threads = threads }, work);

    /// <summary>Does the work on a cluster that runs.</summary>
    public static Task UseAsync(Uri gateway, Func<EmuBatch, Task> work) =>
        UseAsync(folder => new() { Data = Path.Combine(folder, "data"), Server = gateway }, work);

    private static async Task UseAsync(Func<string, ClusterChoice> choose, Func<EmuBatch, Task> work)
    {
        var folder = Directory.CreateTempSubdirectory("emu3-benchmark-");
        await ClusterSession.UseAsync(choose(folder.FullName), Quiet(), async (session, _) =>
        {
            await work(new EmuBatch(folder.FullName, session));
            return ExitCode.AllDone;
        }, CancellationToken.None);
        folder.Delete(recursive: true);
    }

    /// <summary>Runs the command on the first so many prompts.</summary>
    public async Task<Drawn> DrawAsync(int count)
    {
        var run = Path.Combine(folder, Path.GetRandomFileName());
        var input = run + ".jsonl";
        await File.WriteAllLinesAsync(input, Enumerable.Range(0, count).Select(i =>
            JsonSerializer.Serialize(new { id = $"{i}", prompt = PictureWork.Prompt(i), seed = i })));
        using var steps = new StepCounter();
        var watch = Stopwatch.StartNew();
        var options = new BatchOptions { Input = input, Out = run };
        var work = new BatchWork(options, BatchInput.Load(input, options.Format, null, () => Stream.Null), session.Model);
        var exitCode = await new BatchRun(work, session.Gateway, Quiet()).RunAsync(CancellationToken.None);
        var elapsed = watch.Elapsed;
        var pictures = Directory.EnumerateFiles(run, "*.png", SearchOption.AllDirectories).Count();
        if (exitCode != 0 || pictures != count)
            throw new InvalidOperationException($"emu3 batch ended with {exitCode} and {pictures} of {count} pictures.");
        return new Drawn(count / elapsed.TotalSeconds, steps.Count, []);
    }

    private static CliConsole Quiet() => new()
    {
        Out = TextWriter.Null,
        Error = Console.Error,
        OpenInput = () => Stream.Null,
        IsLive = false,
        Time = TimeProvider.System,
    };
}
