
namespace Emu3.Grains.Jobs;

/// <summary>Which silos are in the cluster, as this silo sees it.</summary>
public sealed class SiloMembers(IClusterMembershipService membership)
{
    /// <summary>
    /// Whether a silo, named as workers' keys name it, has left or died. A silo that is not known is gone: one that had a lease was known,
    /// and after a restart of the whole cluster its predecessors are not.
    /// </summary>
    public bool IsGone(string silo) =>
        !membership.CurrentSnapshot.Members.TryGetValue(SiloAddress.FromParsableString(silo), out var member) || member.Status == SiloStatus.Dead;
}
