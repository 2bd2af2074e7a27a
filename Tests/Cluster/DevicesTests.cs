using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Emu3.Cli;
using Emu3.Cli.Batch;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary><c>emu3 batch --devices cpu,cpu</c>: real processes, and what happens to the job when they die.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class DevicesTests(ITestOutputHelper output) : IDisposable
{
    // One thread everywhere: the number of threads is part of what decides the bits.
    private static readonly string[] s_what = ["batch", Repository.PathTo("examples", "shapes.jsonl"), "--seed", "7", "--threads", "1", "--slots", "8"];

    // By outputs and not by the clock: on a machine of any speed, a child that has loaded gets to work before the next one is killed.
    private const int OutputsBetweenKills = 4;
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Batch_OnTwoDevices_WithOneKilledEveryFewPictures_EndsAsARunInOneProcess()
    {
        await using (var alone = EmuProcess.Start(Arguments("alone")))
        {
            Assert.True(await alone.EndAsync(Cancellation) == 0, alone.Text);
        }

        await using var emu = EmuProcess.Start([.. Arguments("killed"), "--devices", "cpu,cpu"]);
        await emu.Began;
        var ended = emu.EndAsync(Cancellation);
        var kills = 0;
        while (!ended.IsCompleted)
        {
            await Task.WhenAny(ended, Task.Delay(100, Cancellation));
            if (Records("killed").Count < (kills + 1) * OutputsBetweenKills || ChildrenOf(emu.ProcessId) is not { Count: > 0 } children)
            {
                continue;
            }

            children[kills % children.Count].Kill();
            kills++;
        }

        output.WriteLine($"{kills} kills{Environment.NewLine}{emu.Text}");
        Assert.True(await ended == 0, emu.Text);
        Assert.True(kills > 0, "It ended before the first kill.");
        Assert.Equal(27, Records("alone").Count);
        Assert.Equal(Records("alone"), Records("killed"));
        Assert.Equal(Pictures("alone"), Pictures("killed"));
    }

    [Fact]
    public async Task Children_OfAProcessThatIsKilled_End()
    {
        var emu = EmuProcess.Start([.. Arguments("orphaned"), "--devices", "cpu,cpu"]);
        await using (emu)
        {
            await emu.Began;
            var children = ChildrenOf(emu.ProcessId);
            Assert.Equal(2, children.Count);
            Assert.True(await emu.KillAsync(), emu.Text);
            await Task.WhenAll(children.Select(child => child.WaitForExitAsync(Cancellation)));
        }

        await using var again = EmuProcess.Start(Arguments("orphaned"));
        Assert.True(await again.EndAsync(Cancellation) == 0, again.Text);
        Assert.Equal(27, Records("orphaned").Count);
    }

    [Fact]
    public async Task Batch_ThatNoDeviceCanLoad_Exits3WithTheReason()
    {
        var model = _folder.PathTo("broken");
        CopyFolder(Repository.PathTo("models", "emu3-tiny"), model);
        foreach (var weights in Directory.GetFiles(model, "*.safetensors")) await File.WriteAllBytesAsync(weights, new byte[16], Cancellation);
        await using var emu = EmuProcess.Start([.. Arguments("broken-out"), "--devices", "cpu,cpu", "--model", model]);
        Assert.Equal(ExitCode.NotStarted, await emu.EndAsync(Cancellation));
        Assert.Contains("cpu#1 is given up, its model could not be loaded 3 times", emu.Text);
        Assert.Contains("cpu#1, cpu#2 can't be used: ", emu.Text);
        Assert.False(Directory.Exists(_folder.PathTo("broken-out")));
    }

    private string[] Arguments(string name) => [.. s_what, "--out", _folder.PathTo(name), "--data", _folder.PathTo($"data-{name}")];

    private List<string> Records(string name) => [.. AppendedLines.Peek(_folder.PathTo(name, "metadata.jsonl"))];

    private List<string> Pictures(string name) => [.. Records(name).Select(record => JsonNode.Parse(record)!["file_name"]!.ToString())
        .Select(file => $"{file} {Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(_folder.PathTo(name, file))))}")];

    /// <summary>Processes that a process has started and that run, as the system knows them.</summary>
    private static List<Process> ChildrenOf(int processId) =>
        [.. Directory.GetDirectories("/proc").Select(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id > 0 && ParentOf(id) == processId).Select(FindOrNull).OfType<Process>().OrderBy(process => process.Id)];

    /// <summary>The fields of <c>stat</c> behind the name, which is in parentheses: state, parent, …</summary>
    private static int ParentOf(int processId)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0; // it has ended
        }
    }

    private static Process? FindOrNull(int id)
    {
        try
        {
            return Process.GetProcessById(id);
        }
        catch (ArgumentException)
        {
            return null; // it has ended
        }
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }
}
