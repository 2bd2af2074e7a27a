using System.ComponentModel.DataAnnotations;

namespace Emu3.Silo;

/// <summary>Section <c>Silo</c>: what one silo process does.</summary>
public sealed class SiloOptions
{
    /// <summary><c>control</c>, <c>worker</c>, or both. Default: both.</summary>
    public string[] Roles { get; set; } = [];

    /// <summary>
    /// An engine for each: <c>cpu</c> or <c>cuda:N</c>; <c>simulated*N</c> is <c>simulated:0</c> to <c>simulated:N−1</c>. Default: <c>Engine:Device</c>
    /// alone. Ignored without the role <c>worker</c>; not allowed beside <c>Engines</c>, where each engine names its own.
    /// </summary>
    public string[] Devices { get; set; } = [];

    /// <summary>
    /// Checkpoints that jobs may name before any worker has loaded them: folders, or names in the local Hugging Face cache; in the original layout
    /// followed by a semicolon and the vision tokenizer's. Looked at by a silo with the role <c>control</c>.
    /// </summary>
    public string[] Models { get; set; } = [];

    /// <summary>
    /// Port for other silos; 0 takes a free one. With a fixed one a restarted silo knows its predecessor at once, by the address, and need not wait
    /// until others find it dead.
    /// </summary>
    [Range(0, 65535)]
    public int Port { get; set; }

    /// <summary>Port for clients; 0 takes a free one. A silo without the role <c>control</c> has none.</summary>
    [Range(0, 65535)]
    public int GatewayPort { get; set; }

    /// <summary>IP address at which silos and clients reach this one. Unless it is loopback, the ports listen on all interfaces.</summary>
    public string AdvertisedAddress { get; set; } = "127.0.0.1";

    /// <summary>
    /// Time that a stop may take: the engine's step ends, checkpoints are written, leases are given back, and the silo leaves the cluster. What is not done
    /// then is left as by a crash, and loses nothing but time. Give the process 5 s more than this.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>The silo's name in the logs and the membership table, as the pod's. Default: one by chance.</summary>
    public string? Name { get; set; }

    /// <summary>
    /// Counts the calls of grains for Orleans' dashboard, which gateways show to admins (<c>Gateway:Dashboard</c>). All silos of a cluster need it. Default: no.
    /// </summary>
    public bool Dashboard { get; set; }

    /// <summary>The machine's name, as results and diagnoses tell it. Default: what the operating system says.</summary>
    public string? HostName { get; set; }
}
