using System.ComponentModel.DataAnnotations;

namespace Emu3.Observability;

/// <summary>Section <c>Metrics</c>: where a process tells how it is.</summary>
public sealed class MetricsOptions : IValidatableObject
{
    /// <summary>Name of the section.</summary>
    public const string Section = "Metrics";

    /// <summary>
    /// Where Prometheus finds <c>/metrics</c>, and a probe <c>/health/live</c>, <c>/health/ready</c> and <c>/health/startup</c>, as
    /// <c>http://127.0.0.1:9464</c>; <c>http://*:9464</c> is every address of the machine, port 0 takes a free one. Nobody is asked for a key there.
    /// Empty, the default: nowhere.
    /// </summary>
    public string Address { get; set; } = "";

    /// <summary>Whether there is such a place.</summary>
    public bool IsServed => Address.Length > 0;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (IsServed && !IsAddress(Address))
            yield return new($"must be empty or an http address with a port and without a path, as http://127.0.0.1:9464, and is '{Address}'.", [nameof(Address)]);
    }

    private static bool IsAddress(string text)
    {
        // Kestrel's names for every address are no host names.
        var named = text.Replace("://*", "://0.0.0.0", StringComparison.Ordinal).Replace("://+", "://0.0.0.0", StringComparison.Ordinal);
        return Uri.TryCreate(named, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttp && address.PathAndQuery == "/";
    }
}
