using Emu3.Gateway;
using Emu3.Storage;

var configuration = new ConfigurationBuilder()
    .SetBasePath(AppContext.BaseDirectory)
    .AddJsonFile("appsettings.json", optional: true)
    .AddEnvironmentVariables()
    .AddCommandLine(args)
    .Build();
var cluster = new ClusterConnection();
configuration.GetSection("Cluster").Bind(cluster, options => options.ErrorOnUnknownConfiguration = true);
var gateway = new GatewayHostOptions();
configuration.GetSection(GatewayHostOptions.Section).Bind(gateway, options => options.ErrorOnUnknownConfiguration = true);
if (!Uri.TryCreate(gateway.Address, UriKind.Absolute, out var address) || address.Scheme != Uri.UriSchemeHttp)
{
    await Console.Error.WriteLineAsync($"Gateway:Address must be an http address as http://127.0.0.1:8080, and is \"{gateway.Address}\".");
    return 2;
}
await GatewayHost.Build(address, cluster, builder => builder.Configuration.AddConfiguration(configuration)).RunAsync();
return 0;
