using Orleans.Configuration;
using Orleans.Dashboard;

namespace Emu3.Silo;

/// <summary>
/// A silo's part of Orleans' dashboard: it counts calls of grains and tells them to a grain on a control silo. The pages are a gateway's, which knows who is
/// an admin: a silo answers no one from outside.
/// </summary>
internal static class SiloDashboard
{
    public static void AddDashboard(this ISiloBuilder silo, SiloSettings settings)
    {
        if (settings.HasDashboard) silo.AddDashboard(options => options.HideTrace = true);
        if (settings.HasDashboard && settings.Roles.HasFlag(SiloRoles.Control)) return;

        // The package's grains are found in the program whether it is used or not.
        silo.Services.Configure<GrainTypeOptions>(options => options.Classes.RemoveWhere(grain => grain.Assembly == typeof(DashboardOptions).Assembly));
    }
}
