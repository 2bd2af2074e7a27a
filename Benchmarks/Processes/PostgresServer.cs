namespace Emu3.Benchmarks.Processes;

/// <summary>A PostgreSQL server of our own, in a folder, reached by a socket in it; made of the programs that Debian's packages install.</summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private readonly string _folder;

    private PostgresServer(string folder) => _folder = folder;

    public string ConnectionString => $"Host={_folder};Username=postgres;Database=postgres";

    private string DataFolder => Path.Combine(_folder, "data");

    /// <summary>Null with the reason where it can't be.</summary>
    public static async Task<(PostgresServer? Server, string? Refusal)> TryStartAsync(string folder)
    {
        var server = new PostgresServer(folder);
        Directory.CreateDirectory(folder);
        if (Environment.IsPrivilegedProcess)
        {
            // The server refuses to run as root.
            var (isOwned, whyNot) = await SystemCommand.RunAsync("chown", "postgres", folder);
            if (!isOwned) return (null, whyNot);
            // Folders above that only their owner may pass through, as temporary ones are.
            for (var above = Path.GetDirectoryName(folder); above is not null && above != Path.GetPathRoot(above); above = Path.GetDirectoryName(above))
                await SystemCommand.RunAsync("chmod", "o+x", above);
        }

        var (isMade, text) = await RunAsync("initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-D", server.DataFolder);
        if (!isMade) return (null, text);
        var (isUp, reason) = await RunAsync("pg_ctl", "start", "-w", "-D", server.DataFolder, "-l", Path.Combine(folder, "log"), "-o", server.Options);
        return isUp ? (server, null) : (null, reason);
    }

    /// <summary>Stops it without waiting for anyone, and starts it again.</summary>
    public async Task RestartAsync()
    {
        var (isUp, text) = await RunAsync("pg_ctl", "restart", "-w", "-m", "immediate", "-D", DataFolder, "-l", Path.Combine(_folder, "log"), "-o", Options);
        if (!isUp) throw new InvalidOperationException($"PostgreSQL does not come up again: {text}");
    }

    public async ValueTask DisposeAsync() => await RunAsync("pg_ctl", "stop", "-m", "immediate", "-D", DataFolder);

    private string Options => $"-c listen_addresses='' -c unix_socket_directories='{_folder}' -c max_connections=200";

    private static Task<(bool IsDone, string Text)> RunAsync(string program, params string[] arguments)
    {
        var path = Directory.Exists(Programs) ? Directory.GetFiles(Programs, program, SearchOption.AllDirectories).Order().LastOrDefault() ?? program : program;
        return Environment.IsPrivilegedProcess
            ? SystemCommand.RunAsync("runuser", ["-u", "postgres", "--", path, .. arguments])
            : SystemCommand.RunAsync(path, arguments);
    }

    private const string Programs = "/usr/lib/postgresql";
}
