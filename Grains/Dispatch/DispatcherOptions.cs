using System.ComponentModel.DataAnnotations;

namespace Emu3.Grains.Dispatch;

/// <summary>Section <c>Dispatcher</c>: how work is shared out.</summary>
public sealed class DispatcherOptions
{
    /// <summary>Shares of tenants against each other; a tenant that is not named has 1.</summary>
    public Dictionary<string, double> TenantWeights { get; } = [];

    /// <summary>How often the job index is looked through for what was lost.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan RoundPeriod { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A worker that has not registered for so long is forgotten.</summary>
    [Range(typeof(TimeSpan), "00:00:05", "01:00:00")]
    public TimeSpan WorkerSilence { get; set; } = TimeSpan.FromSeconds(15);
}
