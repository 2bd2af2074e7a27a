using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Emu3.Grains.Webhooks;

/// <summary>Section <c>Webhooks</c> of silos: where notices may go, and how often they are tried. Read by silos with the role <c>control</c>, which send them.</summary>
public sealed class WebhookOptions : IValidatableObject
{
    /// <summary>Addresses with <c>http://</c> are taken as well. Default: no; for receivers inside a trusted network, and for tests.</summary>
    public bool AllowHttp { get; set; }

    /// <summary>
    /// Networks that notices may reach though they are private, loopback or reserved, as <c>10.20.0.0/16</c> or <c>fd00:1::/64</c>. Default: none; public
    /// addresses need no entry.
    /// </summary>
    public string[] AllowedNetworks { get; set; } = [];

    /// <summary>From the beginning of a try, its connection included, to the head of the answer.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Waits before the second try, the third, and so on; after the last the notice is given up. A fifth at most is added to each, so that many notices do
    /// not come at once. Default: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
    /// </summary>
    public TimeSpan[] RetryWaits { get; set; } = [];

    /// <summary>So long the old secret signs along after a tenant's secret was changed.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "30.00:00:00")]
    public TimeSpan SecretOverlap { get; set; } = TimeSpan.FromHours(24);

    /// <summary>After a crash a notice that is due is tried within so long. Orleans takes no less than a minute, unless it is told otherwise.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan WakePeriod { get; set; } = TimeSpan.FromMinutes(1);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var network in AllowedNetworks)
            if (!IPNetwork.TryParse(network, out _)) yield return new($"must have networks as 10.20.0.0/16, and has '{network}'.", [nameof(AllowedNetworks)]);
        foreach (var wait in RetryWaits)
            if (wait <= TimeSpan.Zero || wait > RetrySchedule.LongestWait) yield return new($"must have times of more than nothing and 24 hours at most, and has {wait}.", [nameof(RetryWaits)]);
    }
}
