using Emu3.Grains.Interfaces;
using Orleans.Placement;

namespace Emu3.Grains.Pulses;

/// <summary>See <see cref="IPulse"/>. On the silo that asks, or by which a client asks.</summary>
[PreferLocalPlacement]
public sealed class Pulse : Grain, IPulse
{
    public Task Beat()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }
}
