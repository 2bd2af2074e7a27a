using System.Diagnostics.Metrics;
using Emu3.Observability.Exposition;
using Emu3.Tests.Fakes;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Emu3.Tests.Unit.Observability;

[Trait("Suite", "Fast")]
public sealed class MetricsPageTests : IDisposable
{
    private readonly Meter _meter = new($"test {Guid.NewGuid()}");
    private readonly MetricsPage _page = new();
    private readonly MeterProvider _provider;

    public MetricsPageTests() => _provider = Sdk.CreateMeterProviderBuilder().AddMeter(_meter.Name).AddReader(_page.Reader).Build();

    public void Dispose()
    {
        _provider.Dispose();
        _page.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public void Counter_OfTwoSeries_IsOneMetric()
    {
        var counter = _meter.CreateCounter<long>("emu3.things.done", "{thing}", "Things\nthat are done.");
        counter.Add(2, new KeyValuePair<string, object?>("kind", "a \"b\" \\c\n"));
        counter.Add(3);
        counter.Add(1);

        string[] lines =
        [
            @"# HELP emu3_things_done_total Things\nthat are done.",
            "# TYPE emu3_things_done_total counter",
            "emu3_things_done_total 4",
            """emu3_things_done_total{kind="a \"b\" \\c\n"} 2""",
        ];
        Assert.Equal(lines.Order(StringComparer.Ordinal), _page.Read()!.TrimEnd('\n').Split('\n').Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Histogram_BucketsCount_WhatIsAtMostTheirBound()
    {
        var histogram = _meter.CreateHistogram<double>("emu3.wait", "s", advice: new() { HistogramBucketBoundaries = [.5, 2] });
        foreach (var value in (double[])[.25, 1, 1.5, 8]) histogram.Record(value, new KeyValuePair<string, object?>("model_name", "m"));

        Assert.Equal(
            """
            # TYPE emu3_wait_seconds histogram
            emu3_wait_seconds_bucket{model_name="m",le="0.5"} 1
            emu3_wait_seconds_bucket{model_name="m",le="2"} 3
            emu3_wait_seconds_bucket{model_name="m",le="+Inf"} 4
            emu3_wait_seconds_sum{model_name="m"} 10.75
            emu3_wait_seconds_count{model_name="m"} 4

            """, _page.Read());
    }

    [Fact]
    public void Page_ReadTwice_TellsWhatHasGrown()
    {
        var counter = _meter.CreateCounter<long>("emu3.things");
        counter.Add(1);
        Assert.Equal(1, Scrape.Parse(_page.Read()!).Value("emu3_things_total"));
        counter.Add(1);
        Assert.Equal(2, Scrape.Parse(_page.Read()!).Value("emu3_things_total"));
    }

    [Fact]
    public void Gauge_IsWhatItIsNow()
    {
        var value = 7;
        _meter.CreateObservableGauge("vllm.num_requests_running", () => value);
        Assert.Equal(7, Scrape.Parse(_page.Read()!).Value("vllm:num_requests_running"));
        value = 3;
        Assert.Equal(3, Scrape.Parse(_page.Read()!).Value("vllm:num_requests_running"));
    }
}
