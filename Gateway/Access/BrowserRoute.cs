namespace Emu3.Gateway.Access;

/// <summary>Metadata of a page that a person opens in a browser with a key: the key may be the password of HTTP's basic authentication.</summary>
internal sealed class BrowserRoute
{
    public static BrowserRoute Metadata { get; } = new();
}
