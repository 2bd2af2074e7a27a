using Emu3.Observability;
using Emu3.Silo;
using Emu3.Storage;
using Emu3.Storage.Configuration;
using Emu3.Storage.Postgres;

// A silo as a process of its own, told by appsettings.json, the environment and the command line.
using var impatience = SecondSignal.EndsTheProcess();
var builder = Host.CreateApplicationBuilder(args);
IDisposable? place;
try
{
    var settings = SiloConfiguration.Read(builder.Configuration);
    place = await settings.Cluster.EnterAsync(Console.Error.WriteLine);
    SiloHost.Configure(builder, settings);
}
catch (Exception wrong) when (wrong is ConfigurationException or DataFolderException or DatabaseException)
{
    await Console.Error.WriteLineAsync(wrong.Message);
    return 2;
}

using (place)
{
    // These tell a lot; whoever wants it says so.
    foreach (var category in (ReadOnlySpan<string>)["Orleans", "Polly"])
        if (builder.Configuration[$"Logging:LogLevel:{category}"] is null) builder.Logging.AddFilter(category, LogLevel.Warning);
    using var host = builder.Build();
    await host.StartAsync();
    var engines = host.Services.GetRequiredService<EngineStatus>();
    await host.WaitForShutdownAsync();
    return engines.ExitCode;
}
