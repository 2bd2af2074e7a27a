using Emu3.Gateway;
using Emu3.Observability;
using Emu3.Storage;
using Emu3.Storage.Configuration;
using Emu3.Storage.Postgres;
using Microsoft.Extensions.Logging.Console;

// A gateway as a process of its own, told by appsettings.json, the environment and the command line.
var configuration = new ConfigurationBuilder()
    .SetBasePath(AppContext.BaseDirectory)
    .AddJsonFile("appsettings.json", optional: true)
    .AddEnvironmentVariables()
    .AddCommandLine(args)
    .Build();
using var impatience = SecondSignal.EndsTheProcess();
try
{
    var (gateway, cluster, metrics) = GatewayConfiguration.Read(configuration);
    using var place = await cluster.EnterAsync(Console.Error.WriteLine);
    await GatewayHost.Build(new Uri(gateway.Address), cluster, builder =>
    {
        builder.Configuration.AddConfiguration(configuration);
        builder.Services.AddSingleton(gateway);
        builder.AddTelemetry("emu3-gateway", metrics, ("blobs", cluster.BlobPath));

        // The slim builder names the console's formatter itself; what is configured goes first.
        builder.Services.Configure<ConsoleLoggerOptions>(configuration.GetSection("Logging:Console"));

        // These tell a lot; whoever wants it says so.
        foreach (var category in (ReadOnlySpan<string>)["Orleans", "Polly", "Microsoft.AspNetCore"])
            if (configuration[$"Logging:LogLevel:{category}"] is null) builder.Logging.AddFilter(category, LogLevel.Warning);
    }).RunAsync();
    return 0;
}
catch (Exception wrong) when (wrong is ConfigurationException or DataFolderException or DatabaseException)
{
    await Console.Error.WriteLineAsync(wrong.Message);
    return 2;
}
