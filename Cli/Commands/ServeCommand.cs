using System.CommandLine;
using System.Net;
using Emu3.Gateway;

namespace Emu3.Cli.Commands;

/// <summary><c>emu3 serve</c>: the cluster in this process, for others, until Ctrl-C.</summary>
internal static class ServeCommand
{
    private const int DefaultPort = 8080;

    public static Command Create(CliConsole console)
    {
        var port = new Option<int>("--port") { Description = "0 takes a free one.", DefaultValueFactory = _ => DefaultPort };
        port.Within(0, ushort.MaxValue);
        var host = new Option<string>("--host") { Description = "Address to listen on; 0.0.0.0 is every one of this machine.", DefaultValueFactory = _ => "127.0.0.1" };
        var bootstrap = new Option<string?>("--bootstrap-key-file")
        {
            Description = "File with a key that is an admin's: with it every request must show a key. On other addresses than loopback ones keys are always asked for.",
        };
        var metricsPort = new Option<int?>("--metrics-port")
        {
            Description = "Port of /metrics for Prometheus, on the same address; of several devices, each has one of the ports after it. 0 takes a free one. Default: none.",
        };
        metricsPort.Within(0, ushort.MaxValue);
        var webhookNetworks = new Option<string[]>("--webhook-network")
        {
            Description = "Network that webhooks may reach though it is private, as 127.0.0.0/8 or 10.20.0.0/16; may be given several times. Plain http is then allowed as well. Default: none.",
        };
        webhookNetworks.Validators.Add(result =>
        {
            foreach (var network in result.Tokens.Where(token => !IPNetwork.TryParse(token.Value, out _)))
            {
                result.AddError($"--webhook-network must be a network as 10.20.0.0/16, and is \"{network.Value}\".");
            }
        });
        var corsOrigins = new Option<string[]>("--cors-origin")
        {
            Description = "Site whose pages may call the gateway from a browser, as https://app.example.org; may be given several times. Default: none.",
        };
        corsOrigins.Validators.Add(result =>
        {
            foreach (var problem in result.Tokens.Select(token => GatewayHostOptions.ProblemOfOrigin(token.Value)).OfType<string>())
            {
                result.AddError($"--cors-origin: {problem}");
            }
        });
        var stopTimeout = new Option<int>("--stop-timeout")
        {
            Description = "Seconds that answers which are under way have to finish after Ctrl-C or SIGTERM; new requests are refused with 503 meanwhile. A second signal ends all at once.",
            DefaultValueFactory = _ => 25,
        };
        stopTimeout.Within(0, 3600);
        var cluster = new ClusterOptions();
        var command = new Command("serve", "Run the cluster and its gateway in this process, until Ctrl-C.");
        command.Options.Add(port);
        command.Options.Add(host);
        command.Options.Add(bootstrap);
        command.Options.Add(metricsPort);
        command.Options.Add(webhookNetworks);
        command.Options.Add(corsOrigins);
        command.Options.Add(stopTimeout);
        cluster.AddLocalTo(command);
        cluster.AddKindTo(command);
        command.SetAction((result, cancellationToken) =>
        {
            var choice = cluster.Read(result) with
            {
                IsForOthers = true,
                StopTimeout = TimeSpan.FromSeconds(result.GetValue(stopTimeout)),
                BootstrapKeyFile = result.GetValue(bootstrap),
                WebhookNetworks = result.GetValue(webhookNetworks) ?? [],
                CorsOrigins = result.GetValue(corsOrigins) ?? [],
                Metrics = MetricsAt(result.GetValue(host)!, result.GetValue(metricsPort)),
            };
            return RunAsync(new UriBuilder("http", result.GetValue(host)!, result.GetValue(port)).Uri, choice, console, cancellationToken);
        });
        return command;
    }

    private static Uri? MetricsAt(string host, int? port) => port is { } number ? new UriBuilder("http", host, number).Uri : null;

    private static async Task<int> RunAsync(Uri address, ClusterChoice choice, CliConsole console, CancellationToken cancellationToken)
    {
        var folder = ClusterSession.OpenFolder(choice.Data);
        var dataLock = folder.TryLock() ?? throw CommandException.NotStarted(folder.ReadServer() is { } first
            ? $"Another emu3 (process {first.ProcessId}, {first.Address}) has the data folder {folder.FullPath}: use that one, or name another --data."
            : $"Another emu3 has the data folder {folder.FullPath} and is starting or ending: try again, or name another --data.");
        await using var cluster = await LocalCluster.StartAsync(choice, folder, dataLock, address, console, cancellationToken);
        console.Out.WriteLine($"emu3 serves {cluster.ModelName} at {cluster.Address} (data in {folder.FullPath}). Ctrl-C ends it.");
        if (cluster.MetricsAddress is { } metrics)
        {
            console.Out.WriteLine($"Metrics for Prometheus: {new Uri(metrics, "/metrics")}");
        }

        await cluster.RunAsync(cancellationToken);
        return ExitCode.AllDone;
    }
}
