using System.ComponentModel.DataAnnotations;

namespace Emu3.Grains.Dispatch;

/// <summary>Section <c>Dispatcher</c>: how work is shared out.</summary>
public sealed class DispatcherOptions : IValidatableObject
{
    /// <summary>Shares of tenants against each other, above 0; a tenant that is not named has 1.</summary>
    public Dictionary<string, double> TenantWeights { get; } = [];

    /// <summary>How often the job index is looked through for what was lost.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan RoundPeriod { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A worker that has not registered for so long is forgotten.</summary>
    [Range(typeof(TimeSpan), "00:00:05", "01:00:00")]
    public TimeSpan WorkerSilence { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Shares that can be divided by.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var (tenant, weight) in TenantWeights)
            if (!(weight > 0 && double.IsFinite(weight))) yield return new($"The weight of '{tenant}' is {weight}; it must be above 0.", [nameof(TenantWeights)]);
    }
}
