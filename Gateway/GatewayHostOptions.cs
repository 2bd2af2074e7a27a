using System.ComponentModel.DataAnnotations;

namespace Emu3.Gateway;

/// <summary>Section <c>Gateway</c>.</summary>
public sealed class GatewayHostOptions : IValidatableObject
{
    public const string Section = "Gateway";

    /// <summary>Where it listens. Loopback by default: there are no keys yet.</summary>
    public string Address { get; set; } = "http://127.0.0.1:8080";

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Uri.TryCreate(Address, UriKind.Absolute, out var address) || address.Scheme != Uri.UriSchemeHttp)
            yield return new($"must be an http address as http://127.0.0.1:8080, and is '{Address}'.", [nameof(Address)]);
    }
}
