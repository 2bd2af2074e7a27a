using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Emu3.Observability.Exposition;

/// <summary>
/// Writes metrics in Prometheus' text format, version 0.0.4. Instruments of one name, of several meters, become one metric: the format allows a name
/// once. Where the same series is told twice, the first one counts.
/// </summary>
internal sealed class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly Dictionary<string, Family> _families = new(StringComparer.Ordinal);

    /// <summary>Takes in an instrument's points as they stand now. Kinds that the format has no word for are passed over.</summary>
    public void Add(Metric metric)
    {
        var isCounter = metric.MetricType is MetricType.LongSum or MetricType.DoubleSum;
        var type = metric.MetricType switch
        {
            MetricType.LongSum or MetricType.DoubleSum => "counter",
            MetricType.Histogram => "histogram",
            MetricType.LongGauge or MetricType.DoubleGauge or MetricType.LongSumNonMonotonic or MetricType.DoubleSumNonMonotonic => "gauge",
            _ => null,
        };
        if (type is null) return;
        var name = ExposedName.Of(metric.Name, metric.Unit, isCounter);
        if (!_families.TryGetValue(name, out var family)) _families[name] = family = new(type, metric.Description);
        if (family.Type != type) return;
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            var labels = LabelsOf(point.Tags);
            if (!family.Series.Add(labels)) continue;
            if (metric.MetricType == MetricType.Histogram) AddHistogram(family.Lines, name, labels, point);
            else AddSample(family.Lines, name, labels, ValueOf(metric.MetricType, point));
        }
    }

    /// <summary>The page, metrics by name.</summary>
    public override string ToString()
    {
        var page = new StringBuilder();
        foreach (var (name, family) in _families.OrderBy(family => family.Key, StringComparer.Ordinal))
        {
            if (family.Lines.Length == 0) continue;
            if (family.Description.Length > 0) page.Append("# HELP ").Append(name).Append(' ').Append(Escape(family.Description, isLabel: false)).Append('\n');
            page.Append("# TYPE ").Append(name).Append(' ').Append(family.Type).Append('\n').Append(family.Lines);
        }

        return page.ToString();
    }

    private static double ValueOf(MetricType type, in MetricPoint point) => type switch
    {
        MetricType.LongSum or MetricType.LongSumNonMonotonic => point.GetSumLong(),
        MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => point.GetSumDouble(),
        MetricType.LongGauge => point.GetGaugeLastValueLong(),
        _ => point.GetGaugeLastValueDouble(),
    };

    /// <summary>Buckets here count what is at most their bound, all smaller ones included.</summary>
    private static void AddHistogram(StringBuilder lines, string name, string labels, in MetricPoint point)
    {
        var count = 0L;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            count += bucket.BucketCount;
            var bound = double.IsPositiveInfinity(bucket.ExplicitBound) ? "+Inf" : Text(bucket.ExplicitBound);
            AddSample(lines, name + "_bucket", $"{labels}{(labels.Length > 0 ? "," : "")}le=\"{bound}\"", count);
        }

        AddSample(lines, name + "_sum", labels, point.GetHistogramSum());
        AddSample(lines, name + "_count", labels, point.GetHistogramCount());
    }

    private static void AddSample(StringBuilder lines, string name, string labels, double value)
    {
        lines.Append(name);
        if (labels.Length > 0) lines.Append('{').Append(labels).Append('}');
        lines.Append(' ').Append(Text(value)).Append('\n');
    }

    private static string LabelsOf(ReadOnlyTagCollection tags)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (tag, value) in tags) labels[ExposedName.OfLabel(tag)] = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        return string.Join(',', labels.Select(label => $"{label.Key}=\"{Escape(label.Value, isLabel: true)}\""));
    }

    private static string Escape(string text, bool isLabel)
    {
        text = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return isLabel ? text.Replace("\"", "\\\"", StringComparison.Ordinal) : text;
    }

    private static string Text(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private sealed class Family(string type, string description)
    {
        public string Type { get; } = type;
        public string Description { get; } = description;
        public HashSet<string> Series { get; } = new(StringComparer.Ordinal);
        public StringBuilder Lines { get; } = new();
    }
}
