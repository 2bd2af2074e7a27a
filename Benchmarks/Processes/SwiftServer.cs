using System.Diagnostics;
using System.Globalization;

namespace Emu3.Benchmarks.Processes;

/// <summary>
/// OpenStack Swift with its S3 interface: an object store that lacks much of what newer ones have (conditional puts, removal of many without Content-MD5). Proxy,
/// account, container and object server over one folder, on loopback. Dies with this process.
/// </summary>
internal sealed class SwiftServer : IAsyncDisposable
{
    public const string AccessKey = "test:tester";
    public const string SecretKey = "swift-secret-key";

    private static readonly string[] s_kinds = ["account", "container", "object"];
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);
    private readonly string _folder;
    private readonly List<Process> _processes = [];
    private readonly int _cachePort = FreePorts.Take();

    private SwiftServer(string folder) => _folder = folder;

    public int Port { get; } = FreePorts.Take();

    public string Endpoint => $"http://127.0.0.1:{Port}";

    /// <summary>Null with the reason where it can't be.</summary>
    /// <param name="folder">Made when it is not there, on a file system with extended attributes. The caller removes it.</param>
    public static async Task<(SwiftServer? Server, string? Refusal)> TryStartAsync(string folder)
    {
        foreach (var program in (string[])["swift-proxy-server", "swift-account-server", "swift-container-server", "swift-object-server", "memcached"])
            if (!File.Exists($"/usr/bin/{program}")) return (null, $"Swift is not installed: there is no /usr/bin/{program} (Debian: apt-get install --no-install-recommends swift-proxy swift-account swift-container swift-object memcached).");
        var server = new SwiftServer(folder);
        try
        {
            await server.MakeAsync();
            return (server, null);
        }
        catch (InvalidOperationException failure)
        {
            var told = $"Swift does not come up: {failure.Message}";
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

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            if (!process.HasExited) UnixSignals.Send(process.Id, UnixSignals.Kill);
            await process.WaitForExitAsync();
            process.Dispose();
        }

        _processes.Clear();
    }

    private async Task MakeAsync()
    {
        var settings = Path.Combine(_folder, "etc");
        Directory.CreateDirectory(settings);
        Directory.CreateDirectory(Path.Combine(_folder, "node", "d1"));
        await File.WriteAllTextAsync(Path.Combine(settings, "swift.conf"), """
            [swift-hash]
            swift_hash_path_suffix = emu3
            swift_hash_path_prefix = emu3
            [storage-policy:0]
            name = one
            default = yes

            """);
        Start("memcached", "-l", "127.0.0.1", "-p", $"{_cachePort}", "-u", Environment.UserName, "-m", "16");
        foreach (var kind in s_kinds)
        {
            var port = FreePorts.Take();
            var ring = Path.Combine(settings, kind + ".builder");
            await SystemCommand.DoAsync("/usr/bin/swift-ring-builder", ring, "create", "4", "1", "0");
            await SystemCommand.DoAsync("/usr/bin/swift-ring-builder", ring, "add", $"r1z1-127.0.0.1:{port}/d1", "1");
            await SystemCommand.DoAsync("/usr/bin/swift-ring-builder", ring, "rebalance");
            await File.WriteAllTextAsync(Path.Combine(settings, kind + ".conf"), Common(port) + string.Create(CultureInfo.InvariantCulture, $"""
                devices = {_folder}/node
                mount_check = false
                log_name = swift-{kind}
                [pipeline:main]
                pipeline = {kind}-server
                [app:{kind}-server]
                use = egg:swift#{kind}

                """));
            Start($"swift-{kind}-server", Path.Combine(settings, kind + ".conf"), "-v");
        }

        await File.WriteAllTextAsync(Path.Combine(settings, "proxy.conf"), Common(Port) + string.Create(CultureInfo.InvariantCulture, $"""
            [pipeline:main]
            pipeline = catch_errors gatekeeper listing_formats cache s3api tempauth copy slo dlo proxy-server
            [app:proxy-server]
            use = egg:swift#proxy
            account_autocreate = true
            [filter:catch_errors]
            use = egg:swift#catch_errors
            [filter:gatekeeper]
            use = egg:swift#gatekeeper
            [filter:listing_formats]
            use = egg:swift#listing_formats
            [filter:cache]
            use = egg:swift#memcache
            memcache_servers = 127.0.0.1:{_cachePort}
            [filter:s3api]
            use = egg:swift#s3api
            s3_acl = false
            location = us-east-1
            dns_compliant_bucket_names = true
            [filter:tempauth]
            use = egg:swift#tempauth
            user_test_tester = {SecretKey} .admin
            [filter:copy]
            use = egg:swift#copy
            [filter:slo]
            use = egg:swift#slo
            [filter:dlo]
            use = egg:swift#dlo

            """));
        var proxy = Start("swift-proxy-server", Path.Combine(settings, "proxy.conf"), "-v");
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        for (var began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < s_patience && !proxy.HasExited; await Task.Delay(s_look, TimeProvider.System))
        {
            try
            {
                using var answer = await http.GetAsync(new Uri(Endpoint));
                await MakeBucketAsync("probe"); // the servers behind the proxy answer as well
                return;
            }
            catch (Exception notYet) when (notYet is HttpRequestException or TaskCanceledException or Amazon.S3.AmazonS3Exception)
            {
                continue;
            }
        }

        throw new InvalidOperationException($"nothing answers at {Endpoint}: {string.Join(Environment.NewLine, File.ReadLines(Path.Combine(_folder, "swift-proxy-server.out")).TakeLast(10))}");
    }

    private string Common(int port) => string.Create(CultureInfo.InvariantCulture, $"""
        [DEFAULT]
        bind_ip = 127.0.0.1
        bind_port = {port}
        user = {Environment.UserName}
        swift_dir = {_folder}/etc
        workers = 0
        log_level = WARNING
        log_address = {_folder}/none

        """);

    private Process Start(string program, params string[] arguments)
    {
        var process = ProcessStarter.Start([], [$"/usr/bin/{program}", .. arguments], new Dictionary<string, string>(), Path.Combine(_folder, program + ".out"));
        _processes.Add(process);
        return process;
    }
}
