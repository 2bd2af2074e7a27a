using Emu3.Benchmarks.Processes;

namespace Emu3.Tests.Deployment.Containers;

/// <summary>
/// The network of the pods: a namespace and an address for each, joined by a bridge on which this machine has an address too, and Services theirs.
/// Its names are always the same: whoever has <see cref="Podman"/> has it, and what is found of it was left behind.
/// </summary>
internal sealed class PodNetwork
{
    private const string Name = "emu3pods";
    private const string Subnet = "10.214.87";
    private const int FirstPod = 10;
    private const int FirstService = 200;
    private int _lastPod = FirstPod - 1;
    private int _lastService = FirstService - 1;

    private PodNetwork() { }

    /// <summary>Removes whatever there is of it, as a line for a shell.</summary>
    public static string ClearCommand =>
        $"for l in $(ip -o link show | cut -d' ' -f2 | cut -d@ -f1 | grep '^{Name}[0-9]'); do ip link del $l; done; "
        + $"for n in $(ip netns list | cut -d' ' -f1 | grep '^{Name}-'); do ip netns del $n; done; ip link del {Name}";

    /// <summary>Where pods reach this machine.</summary>
    public static string HostAddress => $"{Subnet}.1";

    public static async Task<PodNetwork> MakeAsync()
    {
        await IpAsync("link", "add", Name, "type", "bridge");
        await IpAsync("addr", "add", $"{HostAddress}/24", "dev", Name);
        await IpAsync("link", "set", Name, "up");
        return new();
    }

    public static Task ClearAsync() => SystemCommand.RunAsync("sh", "-c", ClearCommand);

    /// <summary>A namespace of its own. No address is given twice.</summary>
    public async Task<PodAddress> AddPodAsync()
    {
        var number = Interlocked.Increment(ref _lastPod);
        if (number >= FirstService) throw new InvalidOperationException("No address is left for another pod.");
        var pod = new PodAddress($"{Name}-{number}", $"{Name}{number}", $"{Subnet}.{number}");
        await IpAsync("netns", "add", pod.Namespace);
        await IpAsync("link", "add", pod.Cable, "type", "veth", "peer", "name", "eth0", "netns", pod.Namespace);
        await IpAsync("link", "set", pod.Cable, "master", Name);
        await IpAsync("link", "set", pod.Cable, "up");
        await IpAsync("-n", pod.Namespace, "addr", "add", $"{pod.Address}/24", "dev", "eth0");
        await IpAsync("-n", pod.Namespace, "link", "set", "eth0", "up");
        await IpAsync("-n", pod.Namespace, "link", "set", "lo", "up");
        return pod;
    }

    /// <summary>An address of this machine at which a Service can listen.</summary>
    public async Task<string> AddServiceAsync()
    {
        var address = $"{Subnet}.{Interlocked.Increment(ref _lastService)}";
        await IpAsync("addr", "add", $"{address}/32", "dev", Name);
        return address;
    }

    /// <summary>Pulls the cable: what runs there goes on, and reaches nobody.</summary>
    public static Task CutAsync(PodAddress pod) => IpAsync("link", "set", pod.Cable, "down");

    /// <summary>The cable first: the kernel frees a namespace some time after it is deleted, and the cable's name with it.</summary>
    public static async Task RemovePodAsync(PodAddress pod)
    {
        await IpAsync("link", "del", pod.Cable);
        await IpAsync("netns", "del", pod.Namespace);
    }

    private static Task IpAsync(params string[] arguments) => SystemCommand.DoAsync("ip", arguments);
}

/// <summary>A pod's place on the network.</summary>
/// <param name="Namespace">Name of its namespace.</param>
/// <param name="Cable">This machine's end of its cable.</param>
/// <param name="Address">Its address.</param>
internal sealed record PodAddress(string Namespace, string Cable, string Address)
{
    public string NamespacePath => $"/run/netns/{Namespace}";
}
