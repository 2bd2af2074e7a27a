namespace Emu3.Gateway;

/// <summary>Section <c>Gateway</c>.</summary>
public sealed class GatewayHostOptions
{
    public const string Section = "Gateway";

    /// <summary>Where it listens. Loopback by default: there are no keys yet.</summary>
    public string Address { get; set; } = "http://127.0.0.1:8080";
}
