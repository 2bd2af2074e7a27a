using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Jobs;

/// <summary>Which silos are in the cluster, as this silo sees it. Silos are named as workers' keys name them; one that is gone never comes back.</summary>
public sealed partial class SiloMembers(IClusterMembershipService membership, ILogger<SiloMembers> logger)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Whether a silo has surely left or died: it is known to be dead, or another has taken its place at its address. One that joined a moment ago may
    /// not be known here yet, so that not to be known proves nothing.
    /// </summary>
    public bool IsGone(string silo) => Look(SiloAddress.FromParsableString(silo)) == Standing.Gone;

    /// <summary>
    /// Which of these silos are gone. One that this silo does not know is looked for in the membership table itself: whoever could ask for work is in it,
    /// so one that is not was before this cluster's time, or is forgotten.
    /// </summary>
    public async Task<IReadOnlyList<string>> FindGoneAsync(IReadOnlyCollection<string> silos)
    {
        if (silos.Any(silo => Look(SiloAddress.FromParsableString(silo)) == Standing.Unknown) && !await RefreshAsync()) return [.. silos.Where(IsGone)];
        return [.. silos.Where(silo => Look(SiloAddress.FromParsableString(silo)) != Standing.Member)];
    }

    private async Task<bool> RefreshAsync()
    {
        try
        {
            await membership.Refresh().AsTask().WaitAsync(s_patience);
            return true;
        }
        catch (Exception failure)
        {
            // Leases of silos that stay unknown end by their deadline.
            LogNotRefreshed(failure);
            return false;
        }
    }

    private Standing Look(SiloAddress silo)
    {
        var members = membership.CurrentSnapshot.Members;
        if (members.TryGetValue(silo, out var member)) return member.Status == SiloStatus.Dead ? Standing.Gone : Standing.Member;
        return members.Keys.Any(other => other.Endpoint.Equals(silo.Endpoint) && other.Generation > silo.Generation) ? Standing.Gone : Standing.Unknown;
    }

    private enum Standing { Member, Gone, Unknown }

    [LoggerMessage(LogLevel.Warning, "The membership table could not be read; silos that are not known here count as members for now.")]
    private partial void LogNotRefreshed(Exception failure);
}
