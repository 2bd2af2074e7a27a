using System.Diagnostics;

namespace Emu3.Benchmarks.Processes;

/// <summary>
/// A PostgreSQL server of our own, in a folder, reached by a socket in it; made of the programs that Debian's packages install. It can be killed and
/// started again, and dies with this process. It keeps nothing through a power cut: it does not wait for the disk.
/// </summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private const string Programs = "/usr/lib/postgresql";
    private const string User = "postgres";
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);
    private readonly string _folder;
    private Process? _process;

    private PostgresServer(string folder) => _folder = folder;

    /// <summary>Of the database that every server has.</summary>
    public string ConnectionString => ConnectionStringOf(User);

    private string DataFolder => Path.Combine(_folder, "data");

    private string LogFile => Path.Combine(_folder, "log");

    /// <summary>Null with the reason where it can't be.</summary>
    /// <param name="folder">Made when it is not there; a path of at most 80 characters, as the socket's name has to fit. The caller removes it.</param>
    public static async Task<(PostgresServer? Server, string? Refusal)> TryStartAsync(string folder)
    {
        if (PathOf("postgres") is null) return (null, $"PostgreSQL is not installed: there is no postgres below {Programs} (Debian: apt-get install postgresql).");
        var server = new PostgresServer(folder);
        Directory.CreateDirectory(folder);
        if (Environment.IsPrivilegedProcess)
        {
            // The server refuses to run as root.
            var (isOwned, whyNot) = await SystemCommand.RunAsync("chown", User, folder);
            if (!isOwned) return (null, whyNot);
            // Folders above that only their owner may pass through, as temporary ones are.
            for (var above = Path.GetDirectoryName(folder); above is not null && above != Path.GetPathRoot(above); above = Path.GetDirectoryName(above))
                await SystemCommand.RunAsync("chmod", "o+x", above);
        }

        string[] make = [PathOf("initdb")!, "--no-sync", "--encoding", "UTF8", "--locale", "C", "-A", "trust", "-U", User, "-D", server.DataFolder];
        var (isMade, text) = Environment.IsPrivilegedProcess
            ? await SystemCommand.RunAsync("runuser", ["-u", User, "--", .. make])
            : await SystemCommand.RunAsync(make[0], make[1..]);
        if (!isMade) return (null, $"initdb failed: {text}");
        if (await server.TryStartAsync()) return (server, null);
        await server.DisposeAsync();
        return (null, $"PostgreSQL does not come up: {server.ReadLog()}");
    }

    /// <summary>Makes an empty database.</summary>
    /// <returns>Its connection string.</returns>
    public async Task<string> CreateDatabaseAsync(string name)
    {
        await SystemCommand.DoAsync(PathOf("psql")!, "-h", _folder, "-U", User, "-d", User, "-q", "-c", $"CREATE DATABASE \"{name}\"");
        return ConnectionStringOf(name);
    }

    /// <summary>SIGKILL: connections break, and nothing is tidied up. Returns when it is gone.</summary>
    public Task KillAsync() => EndAsync(UnixSignals.Kill);

    /// <summary>As an administrator stops it in haste: whoever is connected is told so. Returns when it is gone.</summary>
    public Task StopAsync() => EndAsync(UnixSignals.Interrupt);

    /// <summary>Starts it where it does not run. Returns when it takes connections.</summary>
    /// <exception cref="InvalidOperationException">It does not come up.</exception>
    public async Task StartAsync()
    {
        if (!await TryStartAsync()) throw new InvalidOperationException($"PostgreSQL does not come up again: {ReadLog()}");
    }

    /// <summary>Kills it, and starts it again.</summary>
    public async Task RestartAsync()
    {
        await KillAsync();
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process?.Dispose();
        _process = null;
    }

    /// <summary>After a kill the last of its children may hold the folder for a moment yet: then it is tried again.</summary>
    private async Task<bool> TryStartAsync()
    {
        for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < s_patience; await Task.Delay(s_look, TimeProvider.System))
        {
            if (_process is null or { HasExited: true })
            {
                _process?.Dispose();
                _process = ProcessStarter.Start(
                    Launcher, [PathOf("postgres")!, "-D", DataFolder, "-h", "", "-k", _folder, "-c", "max_connections=200", "-c", "fsync=off"],
                    new Dictionary<string, string>(), LogFile);
            }

            if ((await SystemCommand.RunAsync(PathOf("pg_isready")!, "-q", "-h", _folder, "-U", User)).IsDone) return true;
        }

        return false;
    }

    private async Task EndAsync(int signal)
    {
        if (_process is not { HasExited: false } running) return;
        UnixSignals.Send(running.Id, signal);
        await running.WaitForExitAsync();
    }

    private string ConnectionStringOf(string database) => $"Host={_folder};Username={User};Database={database}";

    private string ReadLog() => File.Exists(LogFile) ? string.Join(Environment.NewLine, File.ReadLines(LogFile).TakeLast(10)) : "";

    /// <summary>Makes the server's user of root; others run it as themselves.</summary>
    private static string[] Launcher => Environment.IsPrivilegedProcess ? ["setpriv", "--reuid", User, "--regid", User, "--clear-groups"] : [];

    private static string? PathOf(string program) =>
        Directory.Exists(Programs) ? Directory.GetFiles(Programs, program, SearchOption.AllDirectories).Order(StringComparer.Ordinal).LastOrDefault() : null;
}
