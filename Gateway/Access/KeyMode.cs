namespace Emu3.Gateway.Access;

/// <summary>Whether requests must show a key.</summary>
public enum KeyMode
{
    /// <summary>Every route asks for one, but those of health and signed addresses.</summary>
    Required,

    /// <summary>None does: whoever reaches the gateway may do anything. On loopback addresses only.</summary>
    Off,
}
