namespace Emu3.Grains.Interfaces;

/// <summary>
/// A grain that does nothing and goes again. Whoever calls one under a key that nobody used before learns whether grains can be activated: a cluster whose old
/// grains answer may be unable to make new ones.
/// </summary>
[Alias("emu3.IPulse")]
public interface IPulse : IGrainWithStringKey
{
    /// <summary>Answers from a new activation.</summary>
    [Alias("Beat")] Task Beat();

    /// <summary>A key that nobody used before.</summary>
    static string NewKey() => Guid.NewGuid().ToString("N");
}
