using Emu3.Benchmarks.Processes;

namespace Emu3.Benchmarks.Chaos;

/// <summary>
/// A network of namespaces on this machine, one for each silo, joined by a bridge. A silo that is cut off reaches no other silo and is reached by none;
/// gateways and stores stay where they were. Needs the right to make namespaces.
/// </summary>
internal sealed class SiloNetwork : IAsyncDisposable
{
    private readonly string _name;
    private readonly string _subnet;
    private readonly IReadOnlyList<string> _silos;

    private SiloNetwork(string name, string subnet, IReadOnlyList<string> silos) => (_name, _subnet, _silos) = (name, subnet, silos);

    /// <summary>Null with the reason where it is not permitted.</summary>
    public static async Task<(SiloNetwork? Network, string? Refusal)> TryMakeAsync(IReadOnlyList<string> silos)
    {
        var number = Environment.ProcessId % 250;
        var network = new SiloNetwork($"e3c{number}", $"10.213.{number}", silos);
        var (isDone, text) = await network.MakeAsync();
        if (isDone) return (network, null);
        await network.RemoveAsync();
        return (null, text);
    }

    /// <summary>Address of a silo.</summary>
    public string AddressOf(string silo) => $"{_subnet}.{10 + NumberOf(silo)}";

    /// <summary>Starts a program in the silo's namespace.</summary>
    public IReadOnlyList<string> LauncherOf(string silo) => ["nsenter", $"--net=/run/netns/{NamespaceOf(silo)}", "--"];

    /// <summary>Cuts a silo off from the others.</summary>
    public Task CutAsync(string silo) => EachPeerAsync(silo, "add");

    /// <summary>Undoes <see cref="CutAsync"/>.</summary>
    public Task MendAsync(string silo) => EachPeerAsync(silo, "del");

    public async ValueTask DisposeAsync() => await RemoveAsync();

    private async Task<(bool, string)> MakeAsync()
    {
        List<string[]> commands =
        [
            ["link", "add", _name, "type", "bridge"],
            ["addr", "add", $"{_subnet}.1/24", "dev", _name],
            ["link", "set", _name, "up"],
        ];
        foreach (var silo in _silos)
        {
            var (place, cable) = (NamespaceOf(silo), $"{_name}v{NumberOf(silo)}");
            commands.Add(["netns", "add", place]);
            commands.Add(["link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", place]);
            commands.Add(["link", "set", cable, "master", _name]);
            commands.Add(["link", "set", cable, "up"]);
            commands.Add(["-n", place, "addr", "add", $"{AddressOf(silo)}/24", "dev", "eth0"]);
            commands.Add(["-n", place, "link", "set", "eth0", "up"]);
            commands.Add(["-n", place, "link", "set", "lo", "up"]);
        }

        foreach (var command in commands)
        {
            var (isDone, text) = await SystemCommand.RunAsync("ip", command);
            if (!isDone) return (false, $"ip {string.Join(' ', command)}: {text}");
        }

        return (true, "");
    }

    private async Task EachPeerAsync(string silo, string verb)
    {
        foreach (var peer in _silos.Where(peer => peer != silo))
            await SystemCommand.DoAsync("ip", "-n", NamespaceOf(silo), "route", verb, "blackhole", $"{AddressOf(peer)}/32");
    }

    private async Task RemoveAsync()
    {
        foreach (var silo in _silos) await SystemCommand.RunAsync("ip", "netns", "del", NamespaceOf(silo));
        await SystemCommand.RunAsync("ip", "link", "del", _name);
    }

    private string NamespaceOf(string silo) => $"{_name}-{silo}";

    private int NumberOf(string silo) => _silos.ToList().IndexOf(silo);
}
