using System.Diagnostics;
using System.Globalization;

namespace Emu3.Benchmarks.Processes;

/// <summary>
/// An object store of our own: Ceph's RADOS gateway with one monitor and one OSD, in a folder and on loopback, made of the programs that Debian's packages install.
/// It dies with this process. By default objects are in memory.
/// </summary>
internal sealed class CephServer : IAsyncDisposable
{
    /// <summary>Keys are words that no log holds for another reason.</summary>
    public const string AccessKey = "okapi-quoll-key";

    public const string SecretKey = "axolotl-tapir-secret";

    private const string ClusterId = "6d3f5f3e-3c0e-4c8a-9f0e-0c0de0c0de01";
    private const string OsdId = "6d3f5f3e-3c0e-4c8a-9f0e-0c0de0c0de02";
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
    private readonly string _folder;
    private readonly List<Process> _processes = [];
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(2) };
    private Process? _gateway;

    private CephServer(string folder, string address) => (_folder, Address, Port, TlsPort, MonitorPort) = (folder, address, FreePorts.Take(), FreePorts.Take(), FreePorts.Take());

    /// <summary>Host of its addresses.</summary>
    public string Address { get; }

    public int Port { get; }

    /// <summary>Where it speaks https, with the certificate that it was started with.</summary>
    public int TlsPort { get; }

    public string Endpoint => $"http://{Address}:{Port}";

    public string TlsEndpoint => $"https://{Address}:{TlsPort}";

    private int MonitorPort { get; }

    private string ConfigurationFile => Path.Combine(_folder, "ceph.conf");

    /// <summary>Null with the reason where it can't be.</summary>
    /// <param name="folder">Made when it is not there. The caller removes it.</param>
    /// <param name="onDisk">Objects are kept in a file of the folder, and not in memory.</param>
    /// <param name="tls">A PEM file with certificate and key, for <see cref="TlsEndpoint"/>.</param>
    /// <param name="address">Loopback by default.</param>
    public static async Task<(CephServer? Server, string? Refusal)> TryStartAsync(string folder, bool onDisk = false, string? tls = null, string address = "127.0.0.1")
    {
        foreach (var program in (string[])["radosgw", "ceph-mon", "ceph-osd"])
            if (!File.Exists($"/usr/bin/{program}")) return (null, $"Ceph is not installed: there is no /usr/bin/{program} (Debian: apt-get install --no-install-recommends radosgw ceph-mon ceph-osd).");
        var server = new CephServer(folder, address);
        try
        {
            await server.MakeAsync(onDisk, tls);
            return (server, null);
        }
        catch (InvalidOperationException failure)
        {
            var told = $"Ceph does not come up: {failure.Message}";
            await server.DisposeAsync();
            return (null, told);
        }
    }

    /// <summary>Makes a bucket of the user that the keys are of.</summary>
    public async Task MakeBucketAsync(string name)
    {
        using var client = new Amazon.S3.AmazonS3Client(AccessKey, SecretKey, new Amazon.S3.AmazonS3Config { ServiceURL = Endpoint, ForcePathStyle = true, AuthenticationRegion = "us-east-1" });
        await client.PutBucketAsync(name);
    }

    /// <summary>SIGKILL of the gateway: its port is closed, connections break. The objects stay.</summary>
    public async Task KillGatewayAsync()
    {
        if (_gateway is not { HasExited: false } running) return;
        UnixSignals.Send(running.Id, UnixSignals.Kill);
        await running.WaitForExitAsync();
    }

    /// <summary>Starts the gateway where it does not run. Returns when it answers.</summary>
    /// <exception cref="InvalidOperationException">It does not come up.</exception>
    public async Task StartGatewayAsync()
    {
        if (_gateway is null or { HasExited: true })
        {
            _gateway?.Dispose();
            _gateway = Start("radosgw", "-n", "client.rgw", "-f");
        }

        for (var began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < s_patience && !_gateway.HasExited; await Task.Delay(s_look, TimeProvider.System))
        {
            try
            {
                using var answer = await _http.GetAsync(new Uri(Endpoint));
                return;
            }
            catch (Exception notYet) when (notYet is HttpRequestException or TaskCanceledException)
            {
                continue;
            }
        }

        throw new InvalidOperationException($"the gateway does not answer at {Endpoint}: {ReadLog("radosgw")}");
    }

    public async ValueTask DisposeAsync()
    {
        // An OSD without its monitor takes long to end by itself.
        foreach (var process in _processes.Append(_gateway).OfType<Process>())
        {
            if (!process.HasExited) UnixSignals.Send(process.Id, UnixSignals.Kill);
            await process.WaitForExitAsync();
            process.Dispose();
        }

        _processes.Clear();
        _gateway = null;
        _http.Dispose();
    }

    private async Task MakeAsync(bool onDisk, string? tls)
    {
        Directory.CreateDirectory(Path.Combine(_folder, "mon"));
        Directory.CreateDirectory(Path.Combine(_folder, "osd"));
        await File.WriteAllTextAsync(ConfigurationFile, Configuration(onDisk, tls));
        var (keys, map) = (Path.Combine(_folder, "keyring"), Path.Combine(_folder, "monmap"));
        await DoAsync("ceph-authtool", "--create-keyring", keys, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *");
        await DoAsync("ceph-authtool", keys, "--gen-key", "-n", "client.admin", "--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *");
        await DoAsync("ceph-authtool", keys, "--gen-key", "-n", "client.rgw", "--cap", "mon", "allow *", "--cap", "osd", "allow *");
        await DoAsync("ceph-authtool", keys, "--gen-key", "-n", "osd.0", "--cap", "mon", "allow profile osd", "--cap", "osd", "allow *");
        await DoAsync("monmaptool", "--create", "--addv", "a", $"[v2:127.0.0.1:{MonitorPort}]", "--fsid", ClusterId, map);
        await DoAsync("ceph-mon", "-i", "a", "--mkfs", "--monmap", map, "--keyring", keys);
        _processes.Add(Start("ceph-mon", "-i", "a", "-f"));
        await DoAsync("ceph", "--connect-timeout", "60", "osd", "new", OsdId);
        await DoAsync("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", OsdId);
        _processes.Add(Start("ceph-osd", "-i", "0", "-f"));
        await StartGatewayAsync();
        await DoAsync("radosgw-admin", "user", "create", "--uid=emu3", "--display-name=emu3", $"--access-key={AccessKey}", $"--secret-key={SecretKey}");
    }

    private string Configuration(bool onDisk, string? tls) => string.Create(CultureInfo.InvariantCulture, $"""
        [global]
        fsid = {ClusterId}
        mon host = v2:127.0.0.1:{MonitorPort}/0
        public addr = 127.0.0.1
        cluster addr = 127.0.0.1
        keyring = {_folder}/keyring
        run dir = {_folder}
        admin socket = {_folder}/$name.asok
        log file = {_folder}/$name.log
        ms bind msgr1 = false
        osd pool default size = 1
        osd pool default min size = 1
        osd pool default pg num = 4
        osd pool default pg autoscale mode = off
        osd crush chooseleaf type = 0
        mon allow pool size one = true
        mon data avail warn = 1
        mon data avail crit = 1
        [mon]
        mon data = {_folder}/mon
        [osd]
        osd data = {_folder}/osd
        osd objectstore = {(onDisk ? "bluestore" : "memstore")}
        bluestore block size = 12884901888
        osd memory target = 939524096
        memstore device bytes = 6442450944
        [client.rgw]
        rgw frontends = beast endpoint={Address}:{Port}{(tls is null ? "" : $" ssl_endpoint={Address}:{TlsPort} ssl_certificate={tls} ssl_private_key={tls}")}
        rgw thread pool size = 64

        """);

    private Process Start(string program, params string[] arguments) => ProcessStarter.Start(
        [], [$"/usr/bin/{program}", .. arguments, "-c", ConfigurationFile], new Dictionary<string, string>(), Path.Combine(_folder, program + ".out"));

    private Task DoAsync(string program, params string[] arguments) => SystemCommand.DoAsync(
        $"/usr/bin/{program}", program is "ceph-authtool" or "monmaptool" ? arguments : [.. arguments, "-c", ConfigurationFile]);

    private string ReadLog(string program) => Path.Combine(_folder, program + ".out") is var file && File.Exists(file) ? string.Join(Environment.NewLine, File.ReadLines(file).TakeLast(10)) : "";
}
