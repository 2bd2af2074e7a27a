namespace Emu3.Gateway.Access;

/// <summary>Metadata of a route that asks for no key: health, and addresses that carry a proof of their own.</summary>
internal sealed class OpenRoute
{
    public static OpenRoute Metadata { get; } = new();
}
