using System.CommandLine;
using System.Globalization;

namespace Emu3.Cli.Commands;

/// <summary><c>emu3 webhooks</c>: what signs the notices of ends, and another delivery of one. Needs no model.</summary>
internal static class WebhooksCommand
{
    public static Command Create(CliConsole console)
    {
        var command = new Command("webhooks", "Show or change the secret that signs webhooks, and tell the end of a job again.");
        command.Subcommands.Add(CreateSecret("secret", "Show the secret that signs webhooks.", console, (gateway, token) => gateway.WebhookSecretAsync(token)));
        command.Subcommands.Add(CreateSecret(
            "rotate", "Change the secret and show the new one. The old one signs along for a day.", console, (gateway, token) => gateway.RotateWebhookSecretAsync(token)));
        command.Subcommands.Add(CreateRedeliver(console));
        return command;
    }

    /// <summary>The secret alone is the result, so that it can go where it is needed.</summary>
    private static Command CreateSecret(string name, string description, CliConsole console, Func<GatewayClient, CancellationToken, Task<WebhookSecretInfo>> ask)
    {
        var cluster = new ControlOptions();
        var command = new Command(name, description);
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) => ClusterSession.ControlAsync(cluster.Read(result), console, async (gateway, token) =>
        {
            var secret = await ask(gateway, token);
            console.Out.WriteLine(secret.Secret);
            foreach (var previous in secret.Previous)
            {
                var until = DateTimeOffset.FromUnixTimeSeconds(previous.ValidUntil).ToLocalTime();
                console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"An older one signs along until {until:yyyy-MM-dd HH:mm}."));
            }

            return ExitCode.AllDone;
        }, cancellationToken));
        return command;
    }

    private static Command CreateRedeliver(CliConsole console)
    {
        var job = new Argument<string>("JOB") { Description = "A job that has ended and names a webhook." };
        var cluster = new ControlOptions();
        var command = new Command("redeliver", "Tell the end of a job again, under the same id.");
        command.Arguments.Add(job);
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) => ClusterSession.ControlAsync(cluster.Read(result), console, async (gateway, token) =>
        {
            var told = await gateway.RedeliverAsync(result.GetRequiredValue(job), token);
            console.Out.WriteLine($"{told.Id} is told again.");
            return ExitCode.AllDone;
        }, cancellationToken));
        return command;
    }
}
