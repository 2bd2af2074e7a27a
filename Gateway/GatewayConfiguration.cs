using Emu3.Observability;
using Emu3.Storage;
using Emu3.Storage.Configuration;

namespace Emu3.Gateway;

/// <summary>Reads what a gateway process is told, and refuses to start on anything that is wrong.</summary>
public static class GatewayConfiguration
{
    /// <exception cref="ConfigurationException">Names every value and key that is wrong, and what is allowed.</exception>
    public static (GatewayHostOptions Gateway, ClusterConnection Cluster, MetricsOptions Metrics) Read(IConfiguration configuration)
    {
        var reader = new ConfigurationReader(configuration);
        var read = (
            reader.Section<GatewayHostOptions>(GatewayHostOptions.Section), reader.Section<ClusterConnection>(ClusterConnection.Section),
            reader.Section<MetricsOptions>(MetricsOptions.Section));
        reader.ThrowIfWrong();
        return read;
    }
}
