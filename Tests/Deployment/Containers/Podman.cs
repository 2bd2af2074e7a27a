using System.Diagnostics;

namespace Emu3.Tests.Deployment.Containers;

/// <summary>
/// Podman with a store and a configuration of its own, so that nothing of the machine's is changed and what earlier runs built is found again. One
/// process at a time has it: what it finds running there was left behind by one that was killed, and is removed.
/// </summary>
internal sealed class Podman : IAsyncDisposable
{
    private const string Programs = "podman, runc and conmon (Debian: apt-get install --no-install-recommends podman runc)";
    private static readonly TimeSpan s_turn = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);
    private readonly FileStream _turn;
    private readonly Process _reaper;

    private Podman(FileStream turn)
    {
        _turn = turn;
        _reaper = StartReaper();
    }

    /// <summary>Kept from run to run: images, and the configuration.</summary>
    public static string Folder { get; } = Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache
        : Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home ? Path.Combine(home, ".cache") : "/var/tmp",
        "emu3-cluster-tests");

    /// <summary>For what a run keeps on disk. It is empty at the start, and removed at the end, however that comes.</summary>
    public string RunFolder { get; } = Path.Combine(Folder, "run");

    /// <summary>Why there are no containers here; null where there are.</summary>
    public static string? Refusal() =>
        !OperatingSystem.IsLinux() ? "Containers are started on Linux only."
        : !Environment.IsPrivilegedProcess ? "Containers are started by root only: they get network namespaces and owners of their own."
        : ((string[])["podman", "runc", "conmon", "ip", "setsid", "flock"]).Where(program => PathOf(program) is null).ToList() is { Count: > 0 } absent
            ? $"There is no {string.Join(", no ", absent)} on this machine: the tests with containers need {Programs}."
            : null;

    /// <summary>Waits for its turn, removes what a killed run left, and is ready.</summary>
    public static async Task<Podman> TakeAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Folder);
        WriteConfiguration();
        var podman = new Podman(await TakeTurnAsync(cancellationToken));
        await podman.ClearAsync();
        return podman;
    }

    /// <summary>Runs it to its end.</summary>
    public Task<PodmanResult> RunAsync(IEnumerable<string> arguments, CancellationToken cancellationToken) =>
        RunProgramAsync("podman", arguments, new Dictionary<string, string>(), cancellationToken);

    /// <summary>Runs a program that calls podman to its end.</summary>
    public async Task<PodmanResult> RunProgramAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(!_turn.CanRead, this);
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in Variables.Concat(environment)) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(cancellationToken), process.StandardError.ReadToEndAsync(cancellationToken));
        try
        {
            await process.WaitForExitAsync(cancellationToken);
            return new(process.ExitCode, (await output).Trim(), (await error).Trim());
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>Runs it to its end.</summary>
    /// <returns>What it wrote to standard output.</returns>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public async Task<string> DoAsync(IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var all = arguments.ToList();
        var result = await RunAsync(all, cancellationToken);
        return result.ExitCode == 0 ? result.Output : throw new InvalidOperationException($"podman {string.Join(' ', all)} failed ({result.ExitCode}): {result.Output}{result.Error}");
    }

    public async ValueTask DisposeAsync()
    {
        await ClearAsync();
        _reaper.Kill(entireProcessTree: true);
        await _reaper.WaitForExitAsync();
        _reaper.Dispose();
        await _turn.DisposeAsync();
    }

    /// <summary>Ends and removes all containers, those of builds that were broken off too, what they had mounted, and the network.</summary>
    private static string ClearCommand { get; } = $"""
        podman rm --all --force --time=0 --volumes
        podman ps --all --external --quiet | xargs --no-run-if-empty podman rm --force --time=0
        cut -d' ' -f2 /proc/mounts | grep '^{Folder}/storage/.*/merged$' | xargs --no-run-if-empty umount --lazy
        {PodNetwork.ClearCommand}
        rm -rf '{Folder}/run'
        """;

    private static string TurnFile => Path.Combine(Folder, "turn");

    private static Dictionary<string, string> Variables { get; } = new()
    {
        ["CONTAINERS_CONF"] = Path.Combine(Folder, "containers.conf"),
        ["CONTAINERS_STORAGE_CONF"] = Path.Combine(Folder, "storage.conf"),
        ["TMPDIR"] = "/var/tmp",
    };

    /// <summary>
    /// What a machine without systemd and without the right to raise limits needs: cgroups by file, events to a file, limits that are permitted (the
    /// kernel refuses more processes than it has ids), and runc, since Debian's crun does not start where both versions of cgroups are mounted.
    /// </summary>
    private static void WriteConfiguration()
    {
        File.WriteAllText(Variables["CONTAINERS_CONF"], $"""
            [containers]
            default_ulimits = ["nofile=20000:20000", "nproc=30000:30000"]
            log_driver = "k8s-file"
            [engine]
            cgroup_manager = "cgroupfs"
            events_logger = "file"
            runtime = "runc"
            tmp_dir = "/run/emu3-cluster-tests/libpod"

            """);
        File.WriteAllText(Variables["CONTAINERS_STORAGE_CONF"], $"""
            [storage]
            driver = "overlay"
            graphroot = "{Folder}/storage"
            runroot = "/run/emu3-cluster-tests/storage"

            """);
    }

    private static async Task<FileStream> TakeTurnAsync(CancellationToken cancellationToken)
    {
        for (var began = Stopwatch.GetTimestamp(); ;)
        {
            try
            {
                return new(TurnFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (Stopwatch.GetElapsedTime(began) < s_turn)
            {
                await Task.Delay(s_look, TimeProvider.System, cancellationToken); // another run of the tests has it
            }
        }
    }

    private async Task ClearAsync() => await RunProgramAsync("sh", ["-c", ClearCommand], new Dictionary<string, string>(), CancellationToken.None);

    /// <summary>
    /// A shell of its own session that waits for the end of this process, however it comes, and then removes what it has started. It does so in a turn of
    /// its own: the next run may have begun meanwhile, and what is there then is that run's.
    /// </summary>
    private static Process StartReaper()
    {
        var start = new ProcessStartInfo("setsid", ["sh", "-c", $"read -r _; exec 9>>'{TurnFile}'; flock 9; {ClearCommand}"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in Variables) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static string? PathOf(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Append("/usr/sbin").Append("/sbin").Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}

/// <summary>How a command ended.</summary>
internal readonly record struct PodmanResult(int ExitCode, string Output, string Error);
