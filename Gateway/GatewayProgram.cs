using Emu3.Observability;
using Emu3.Storage;
using Emu3.Storage.Configuration;
using Emu3.Storage.Objects;
using Emu3.Storage.Postgres;

namespace Emu3.Gateway;

/// <summary>A gateway as a process of its own (<c>emu3 gateway</c>, <c>Emu3.Gateway.dll</c>), told what it is by <see cref="ProgramConfiguration"/>.</summary>
public static class GatewayProgram
{
    /// <summary>Runs a gateway until a signal ends it.</summary>
    /// <param name="arguments">Settings, as <c>--Gateway:Address http://*:8080</c>.</param>
    /// <param name="cancellationToken">Ends what the start waits for. Once the gateway runs, signals end it.</param>
    /// <exception cref="ConfigurationException">A setting is wrong.</exception>
    /// <exception cref="DataFolderException">A folder can't be used.</exception>
    /// <exception cref="ObjectStoreException">The object store can't be used.</exception>
    /// <exception cref="DatabaseException">The database can't be used.</exception>
    public static async Task RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var configuration = ProgramConfiguration.Read(arguments);
        var (gateway, cluster, metrics) = GatewayConfiguration.Read(configuration);
        using var place = await StartLog.UseAsync(configuration, "Emu3.Gateway", tell =>
        {
            if (ProgramConfiguration.DescribeUnreadFile(arguments) is { } unread) tell(unread);
            return cluster.EnterAsync(tell, cancellationToken);
        });
        var app = GatewayHost.Build(new Uri(gateway.Address), cluster, builder =>
        {
            builder.Configuration.AddConfiguration(configuration);
            builder.Services.AddSingleton(gateway);
            builder.AddTelemetry("emu3-gateway", metrics, [.. cluster.Folders]);
            builder.Logging.AddProgramLog(configuration, "Orleans", "Polly", "Microsoft.AspNetCore");
            // It warns each second while there is no control silo; ClusterSearch says so once, and GatewayHealth to whoever asks.
            if (configuration["Logging:LogLevel:Orleans"] is null) builder.Logging.AddFilter("Orleans.Messaging.GatewayManager", LogLevel.Error);
        }, gateway.Dashboard);
        await using (app)
        {
            await app.StartAsync(cancellationToken);
            await app.WaitForShutdownAsync(CancellationToken.None);
        }
    }
}
