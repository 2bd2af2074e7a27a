using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Access;

/// <summary>Records what the caller does as an admin, before it is done.</summary>
internal sealed class AuditTrail(ClusterCalls cluster, Caller caller, ILogger<AuditTrail> logger)
{
    /// <summary>Durable when it returns.</summary>
    public async Task Record(HttpContext http, string act, string target, string detail = "")
    {
        var entry = new AuditEntry
        {
            Id = http.TraceIdentifier,
            At = cluster.Time.GetUtcNow(),
            Actor = caller.KeyId ?? "anonymous",
            Tenant = caller.Tenant,
            Act = act,
            Target = target,
            Detail = detail,
            Address = http.Connection.RemoteIpAddress?.ToString() ?? "",
        };
        await cluster.Repeat(() => cluster.Grain<IAuditLog>(0).Append(entry), http.RequestAborted);
        AccessLog.AdminActed(logger, entry.Actor, act, target);
    }
}
