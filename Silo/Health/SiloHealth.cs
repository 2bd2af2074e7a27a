using Emu3.Observability;

namespace Emu3.Silo.Health;

/// <summary>What a silo's health pages ask, by its roles.</summary>
internal static class SiloHealth
{
    /// <summary>
    /// Every silo: it is a member of the cluster, does not leave, and can activate grains. A worker: its engines are loaded. One that holds jobs: the database
    /// answers.
    /// </summary>
    public static void AddSiloHealth(this IServiceCollection services, SiloRoles roles)
    {
        string[] all = [HealthPages.Startup, HealthPages.Ready];
        var checks = services.AddHealthPages().AddCheck<MembershipCheck>("membership", tags: all, timeout: HealthPages.Patience);
        checks.AddCheck<PulseCheck>("activation", tags: [HealthPages.Ready]).AddCheck<LostPulseCheck>("lost", tags: [HealthPages.Live]);
        if (roles.HasFlag(SiloRoles.Worker)) checks.AddCheck<EngineCheck>("engines", tags: all, timeout: HealthPages.Patience);
        if (roles.HasFlag(SiloRoles.Control)) checks.AddCheck<DatabaseCheck>("database", tags: [HealthPages.Ready], timeout: HealthPages.Patience);
    }
}
