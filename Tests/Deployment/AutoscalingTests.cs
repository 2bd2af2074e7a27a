using System.Text.Json;
using Emu3.Tests.Deployment.Manifests;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Deployment;

/// <summary>What the autoscaler asks Prometheus, asked of Prometheus' own program.</summary>
[Trait("Suite", "Fast")]
public sealed class AutoscalingTests
{
    private const string Control = """up{pod="emu3-control-5d9c-x", instance="c"}""", Pending = """emu3_items_pending{model_name="m", instance="c"}""",
        Running = """emu3_items_running{model_name="m", instance="c"}""", NoControl = """up{pod="emu3-worker-7f-y", instance="w"}""";

    [Theory]
    [InlineData(9, Control, "1x8", Pending, "7x8", Running, "2x8")]
    [InlineData(1, Control, "1x8", Pending, "1x8")] // the first item, without any worker
    [InlineData(0, Control, "1x8")] // there was never a job
    [InlineData(0, Control, "1x8", Pending, "0x8", Running, "0x8")]
    [InlineData(5, Control, "1x8", """up{pod="emu3-control-5d9c-z", instance="d"}""", "1x8", Pending, "5x8", """emu3_items_pending{model_name="m", instance="d"}""", "0x8")]
    [InlineData(null, Control, "0x8")] // no answer: everything stays as it is
    [InlineData(null, NoControl, "1x8")]
    [InlineData(null)]
    public async Task Query_CountsWhatWaitsAndRuns_AndAnswersNothingWithoutAControlSilo(int? expected, params string[] series)
    {
        var scaled = Assert.Single(ManifestSet.Read(await Kubectl.RenderAsync("k8s/overlays/production")).Custom("ScaledObject"));
        var query = (string)scaled["spec"]!["triggers"]![0]!["metadata"]!["query"]!;
        var test = new
        {
            evaluation_interval = "15s",
            tests = new[]
            {
                new
                {
                    interval = "15s",
                    input_series = series.Chunk(2).Select(pair => new { series = pair[0], values = pair[1] }),
                    promql_expr_test = new[] { new { expr = query, eval_time = "1m", exp_samples = expected is { } value ? new object[] { new { labels = "{}", value } } : [] } },
                },
            },
        };
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.PathTo("query.test.yaml"), JsonSerializer.Serialize(test), TestContext.Current.CancellationToken);
        var (exitCode, text) = await Promtool.RunAsync(null, "test", "rules", folder.PathTo("query.test.yaml"));
        Assert.True(exitCode == 0, text);
    }
}
