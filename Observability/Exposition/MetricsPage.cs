using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Emu3.Observability.Exposition;

/// <summary>All metrics of the process as they stand when somebody asks. One asks at a time; others wait.</summary>
internal sealed class MetricsPage : IDisposable
{
    private readonly Lock _lock = new();
    private readonly PageExporter _exporter = new();

    public MetricsPage() => Reader = new BaseExportingMetricReader(_exporter) { TemporalityPreference = MetricReaderTemporalityPreference.Cumulative };

    /// <summary>What the meter provider feeds.</summary>
    public MetricReader Reader { get; }

    /// <summary>The page; null when the metrics could not be collected.</summary>
    public string? Read()
    {
        lock (_lock) return Reader.Collect() ? _exporter.Page : null;
    }

    public void Dispose() => Reader.Dispose();

    private sealed class PageExporter : BaseExporter<Metric>
    {
        public string? Page { get; private set; }

        public override ExportResult Export(in Batch<Metric> batch)
        {
            var text = new PrometheusText();
            foreach (var metric in batch) text.Add(metric);
            Page = text.ToString();
            return ExportResult.Success;
        }
    }
}
