using Emu3.Observability;
using Emu3.Storage;
using Emu3.Storage.Configuration;
using Emu3.Storage.Objects;
using Emu3.Storage.Postgres;

namespace Emu3.Silo;

/// <summary>A silo as a process of its own (<c>emu3 silo</c>, <c>Emu3.Silo.dll</c>), told what it is by <see cref="ProgramConfiguration"/>.</summary>
public static class SiloProgram
{
    /// <summary>Runs a silo until a signal ends it or its engine fails.</summary>
    /// <param name="arguments">Settings, as <c>--Silo:Port 11111</c>.</param>
    /// <param name="cancellationToken">Ends what the start waits for. Once the silo runs, signals end it.</param>
    /// <returns>0; 1 when its engine has failed.</returns>
    /// <exception cref="ConfigurationException">A setting is wrong.</exception>
    /// <exception cref="DataFolderException">A folder can't be used.</exception>
    /// <exception cref="ObjectStoreException">The object store can't be used.</exception>
    /// <exception cref="DatabaseException">The database can't be used.</exception>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new() { DisableDefaults = true, ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddConfiguration(ProgramConfiguration.Read(arguments));
        builder.Services.AddMetrics();
        builder.Logging.AddProgramLog(builder.Configuration, "Orleans", "Polly");
        var settings = SiloConfiguration.Read(builder.Configuration);
        using var place = await StartLog.UseAsync(builder.Configuration, "Emu3.Silo", tell =>
        {
            if (ProgramConfiguration.DescribeUnreadFile(arguments) is { } unread) tell(unread);
            return settings.Cluster.EnterAsync(tell, cancellationToken);
        });
        SiloHost.Configure(builder, settings);
        using var host = builder.Build();
        await host.StartAsync(cancellationToken);
        var engines = host.Services.GetRequiredService<EngineStatus>();
        await host.WaitForShutdownAsync(CancellationToken.None);
        return engines.ExitCode;
    }
}
