using System.ComponentModel.DataAnnotations;

namespace Emu3.Gateway;

/// <summary>Section <c>Gateway</c>.</summary>
public sealed class GatewayHostOptions : IValidatableObject
{
    public const string Section = "Gateway";

    /// <summary>Where it listens. Loopback by default: there are no keys yet.</summary>
    public string Address { get; set; } = "http://127.0.0.1:8080";

    /// <summary>What clients call it, as <c>https://pictures.example.org</c>: the start of addresses in answers. Default: whatever the client called it.</summary>
    public string? PublicAddress { get; set; }

    /// <summary>
    /// So long the addresses of pictures in answers open. Default: 9 minutes; the pictures of requests that somebody waited for are kept for
    /// <c>Jobs:InteractiveKeep</c>.
    /// </summary>
    public TimeSpan AddressValidity { get; set; } = TimeSpan.FromMinutes(9);

    /// <summary>Other names of models, and which model each means: <c>gpt-image-1</c>: <c>Emu3-Gen-hf</c>. None by default.</summary>
    public IDictionary<string, string> ModelAliases { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>
    /// A batch that has not ended within its <c>completion_window</c> is cancelled and counts as expired, as OpenAI's are. Default: no, it runs on until all
    /// is done, and the window is a target.
    /// </summary>
    public bool BatchesExpire { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Uri.TryCreate(Address, UriKind.Absolute, out var address) || address.Scheme != Uri.UriSchemeHttp)
            yield return new($"must be an http address as http://127.0.0.1:8080, and is '{Address}'.", [nameof(Address)]);
        if (PublicAddress is { } name && (!Uri.TryCreate(name, UriKind.Absolute, out var isPublic) || isPublic.Scheme is not ("http" or "https")))
            yield return new($"must be an address as https://pictures.example.org, and is '{name}'.", [nameof(PublicAddress)]);
        if (AddressValidity <= TimeSpan.Zero || AddressValidity > TimeSpan.FromDays(7))
            yield return new($"must be more than nothing and 7 days at most, and is {AddressValidity}.", [nameof(AddressValidity)]);
    }
}
