namespace Emu3.Gateway.Access;

/// <summary>Metadata of a route that is for admins; where no key is asked for, everyone is one.</summary>
internal sealed class AdminRoute
{
    public static AdminRoute Metadata { get; } = new();
}
