using Emu3.Silo;

// A silo as a process of its own, told by appsettings.json, the environment and the command line.
var builder = Host.CreateApplicationBuilder(args);
try
{
    SiloHost.Configure(builder, SiloConfiguration.Read(builder.Configuration));
}
catch (Exception wrong) when (wrong is SiloConfigurationException or Emu3.Storage.DataFolderException)
{
    await Console.Error.WriteLineAsync(wrong.Message);
    return 2;
}

using var host = builder.Build();
await host.StartAsync();
var ended = host.Services.GetRequiredService<EngineStatus>().Ready;
await host.WaitForShutdownAsync();
return ended.IsFaulted ? 1 : 0;
