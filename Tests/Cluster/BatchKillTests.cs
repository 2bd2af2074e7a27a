using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Emu3.Cli.Batch;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>The promise of <c>emu3 batch</c>: killed at any moment and started again, it ends with what an undisturbed run gives.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed partial class BatchKillTests(ITestOutputHelper output) : IDisposable
{
    private const int KillCount = 10;

    // Five samples of each prompt: long enough to be killed inside many times.
    private static readonly string[] s_what = ["batch", Repository.PathTo("examples", "shapes.jsonl"), "--seed", "7", "--n", "5"];
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Batch_KilledTenTimesAtRandomMoments_EndsAsAnUndisturbedRun()
    {
        var undisturbed = await RunUndisturbedAsync();
        var total = Records("undisturbed").Count;
        var random = new Random(20261124);
        var kills = 0;
        var recorded = new Dictionary<string, string>();
        while (kills < KillCount)
        {
            await using var emu = EmuProcess.Start(Arguments("killed"));
            if (random.Next(5) > 0)
            {
                await emu.Began;
            }

            // Some of the time that the rest would take, judged by what is recorded: the last kill still finds work, at three times the speed even.
            var rest = undisturbed * (1 - (double)recorded.Count / total);
            await Task.Delay(rest * random.NextDouble() / (KillCount - kills + 2), Cancellation);
            if (!await emu.KillAsync())
            {
                Assert.Fail($"It ended after {kills} kills, before the next: {emu.Text}");
            }

            kills++;
            recorded = AssertNothingMadeTwice(recorded);
            output.WriteLine($"kill {kills}: {recorded.Count} outputs recorded");
        }

        await using var last = EmuProcess.Start(Arguments("killed"));
        Assert.True(await last.EndAsync(Cancellation) == 0, last.Text);
        output.WriteLine(last.Text);
        AssertNothingMadeTwice(recorded);
        AssertSameOutputs();
        var resumed = ResumedInside().Match(last.Text);
        Assert.True(resumed.Success && int.Parse(resumed.Groups[1].Value, CultureInfo.InvariantCulture) >= 1, $"No resume inside a picture: {last.Text}");
    }

    private async Task<TimeSpan> RunUndisturbedAsync()
    {
        await using var emu = EmuProcess.Start(Arguments("undisturbed"));
        await emu.Began;
        var start = Stopwatch.GetTimestamp();
        Assert.True(await emu.EndAsync(Cancellation) == 0, emu.Text);
        output.WriteLine(emu.Text);
        return Stopwatch.GetElapsedTime(start);
    }

    private string[] Arguments(string name) => [.. s_what, "--out", _folder.PathTo(name), "--data", _folder.PathTo($"data-{name}")];

    /// <summary>An output that was recorded was acknowledged: its line and its file stay what they were, down to the time at which the file was written.</summary>
    private Dictionary<string, string> AssertNothingMadeTwice(Dictionary<string, string> before)
    {
        var now = Records("killed").ToDictionary(record => record.ToJsonString(), record =>
            File.GetLastWriteTimeUtc(_folder.PathTo("killed", record["file_name"]!.ToString())).ToString("O", CultureInfo.InvariantCulture));
        Assert.Equal(now.Count, now.Keys.Select(line => JsonNode.Parse(line)!["file_name"]!.ToString()).Distinct().Count());
        foreach (var (line, time) in before)
        {
            Assert.Equal(time, Assert.Contains(line, now));
        }

        return now;
    }

    private void AssertSameOutputs()
    {
        var expected = Records("undisturbed");
        var actual = Records("killed");
        Assert.Equal(expected.Select(record => record.ToJsonString()), actual.Select(record => record.ToJsonString()));
        Assert.All(expected, record =>
        {
            var name = record["file_name"]!.ToString();
            Assert.Equal(File.ReadAllBytes(_folder.PathTo("undisturbed", name)), File.ReadAllBytes(_folder.PathTo("killed", name)));
        });
        Assert.Equal(
            Directory.GetFiles(_folder.PathTo("undisturbed")).Select(Path.GetFileName).Order(), Directory.GetFiles(_folder.PathTo("killed")).Select(Path.GetFileName).Order());
    }

    private List<JsonNode> Records(string name) => [.. AppendedLines.Peek(_folder.PathTo(name, "metadata.jsonl")).Select(line => JsonNode.Parse(line)!)];

    [GeneratedRegex(@"(\d+) of them went on inside")]
    private static partial Regex ResumedInside();
}
