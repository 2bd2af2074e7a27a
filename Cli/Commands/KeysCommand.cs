using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Emu3.Cli.Commands;

/// <summary><c>emu3 keys</c>: who may use a gateway. For admins; where a gateway asks for no keys, for everyone. Needs no model.</summary>
internal static class KeysCommand
{
    public static Command Create(CliConsole console)
    {
        var command = new Command("keys", "Make, list, revoke and rotate keys of the API. Needs the key of an admin.");
        command.Subcommands.Add(CreateCreate(console));
        command.Subcommands.Add(CreateList(console));
        command.Subcommands.Add(CreateRevoke(console));
        command.Subcommands.Add(CreateRotate(console));
        return command;
    }

    private static Command CreateCreate(CliConsole console)
    {
        var name = new Argument<string>("NAME") { Description = "What the key is for, or whose it is." };
        var tenant = new Option<string?>("--tenant") { Description = "Whose jobs it sees and makes. Default: default." };
        var role = new Option<string?>("--role") { Description = "user, or admin, who may make keys. Default: user." };
        role.AcceptOnlyFromAmong("user", "admin");
        var expires = new Option<string?>("--expires") { Description = "How long it is valid, for example 90d or 12h. Default: until it is revoked." };
        var weight = new Option<double?>("--weight") { Description = "Its tenant's share of the cluster against others; 1 is usual." };
        var items = new Option<int?>("--queued-items") { Description = "Outputs of its tenant that may wait or run at once." };
        var images = new Option<int?>("--images-per-hour") { Description = "Pictures it may ask for within an hour." };
        var streams = new Option<int?>("--streams") { Description = "Streams it may hold open at once." };
        var (cluster, json) = (new ControlOptions(), JsonOption());
        var command = new Command("create", "Make a key and show it, once.");
        command.Arguments.Add(name);
        foreach (var option in (Option[])[tenant, role, expires, weight, items, images, streams, json]) command.Options.Add(option);
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) => ClusterSession.ControlAsync(cluster.Read(result), console, async (gateway, token) =>
        {
            var key = new JsonObject
            {
                ["name"] = result.GetRequiredValue(name),
                ["tenant"] = result.GetValue(tenant),
                ["role"] = result.GetValue(role),
                ["expires_in"] = result.GetValue(expires),
                ["weight"] = result.GetValue(weight),
                ["quotas"] = new JsonObject
                {
                    ["queued_items"] = result.GetValue(items),
                    ["images_per_hour"] = result.GetValue(images),
                    ["concurrent_streams"] = result.GetValue(streams),
                },
            };
            return Show(console, await gateway.CreateKeyAsync(key, token), result.GetValue(json));
        }, cancellationToken));
        return command;
    }

    private static Command CreateList(CliConsole console)
    {
        var (cluster, json) = (new ControlOptions(), JsonOption());
        var command = new Command("list", "List keys, without what is secret of them.");
        command.Options.Add(json);
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) => ClusterSession.ControlAsync(cluster.Read(result), console, async (gateway, token) =>
        {
            Write(console, await gateway.KeysAsync(token), result.GetValue(json));
            return ExitCode.AllDone;
        }, cancellationToken));
        return command;
    }

    private static Command CreateRevoke(CliConsole console)
    {
        var (id, cluster) = (IdArgument(), new ControlOptions());
        var command = new Command("revoke", "Make a key open nothing any more, everywhere within 10 seconds.");
        command.Arguments.Add(id);
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) => ClusterSession.ControlAsync(cluster.Read(result), console, async (gateway, token) =>
        {
            var key = await gateway.RevokeKeyAsync(result.GetRequiredValue(id), token);
            console.Out.WriteLine($"{key.Id} ({key.Name}) is revoked.");
            return ExitCode.AllDone;
        }, cancellationToken));
        return command;
    }

    private static Command CreateRotate(CliConsole console)
    {
        var (id, cluster, json) = (IdArgument(), new ControlOptions(), JsonOption());
        var command = new Command("rotate", "Give a key another secret and show it, once. The old one opens nothing any more.");
        command.Arguments.Add(id);
        command.Options.Add(json);
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) => ClusterSession.ControlAsync(cluster.Read(result), console, async (gateway, token) =>
            Show(console, await gateway.RotateKeyAsync(result.GetRequiredValue(id), token), result.GetValue(json)), cancellationToken));
        return command;
    }

    private static Argument<string> IdArgument() => new("ID") { Description = "As emu3 keys list tells it: key_ and 16 digits." };

    private static Option<bool> JsonOption() => new("--json") { Description = "One JSON object a line." };

    /// <summary>The key alone is the result, so that it can go where it is needed: <c>emu3 keys create ci > secret</c>.</summary>
    private static int Show(CliConsole console, KeyInfo key, bool isJson)
    {
        console.Out.WriteLine(isJson ? JsonSerializer.Serialize(key, CliJson.Wire) : key.Key);
        console.Error.WriteLine($"{key.Id} ({key.Name}): {key.Role} of tenant {key.Tenant}. This is the only time that the key is shown.");
        return ExitCode.AllDone;
    }

    private static void Write(CliConsole console, IReadOnlyList<KeyInfo> keys, bool isJson)
    {
        if (isJson)
        {
            foreach (var key in keys)
            {
                console.Out.WriteLine(JsonSerializer.Serialize(key, CliJson.Wire));
            }

            return;
        }

        var table = new Table().AddColumns("Key", "Name", "Tenant", "Role", "Status", "Ends with", "Made", "Expires");
        foreach (var key in keys)
        {
            table.AddRow(new[]
            {
                key.Id, key.Name, key.Tenant, key.Role, key.Status, key.LastFour, Time(key.CreatedAt), key.ExpiresAt is { } end ? Time(end) : "",
            }.Select(Markup.Escape).ToArray());
        }

        console.Ansi.Write(table);
    }

    private static string Time(long seconds) =>
        DateTimeOffset.FromUnixTimeSeconds(seconds).ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
}
