using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Dispatch;

/// <summary>What keys say of the shares of their tenants.</summary>
internal static class KeyWeights
{
    /// <summary>By tenant: the largest weight of its valid keys that have one.</summary>
    public static Dictionary<string, double> Of(IEnumerable<ApiKey> keys, DateTimeOffset now) => keys
        .Where(key => key.Weight > 0 && key.IsValid(now))
        .GroupBy(key => key.Tenant)
        .ToDictionary(tenant => tenant.Key, tenant => tenant.Max(key => key.Weight!.Value));
}
