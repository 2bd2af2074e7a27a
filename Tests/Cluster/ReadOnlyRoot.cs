using Emu3.Benchmarks.Processes;

namespace Emu3.Tests.Cluster;

/// <summary>
/// Runs <c>emu3</c> as a hardened container does: as a user without rights, without a home, on a root file system that nobody can write, in a mount namespace
/// of its own. One folder can be written.
/// </summary>
internal sealed class ReadOnlyRoot
{
    private const string User = "65534"; // nobody

    // Mounts of their own make program and model reachable for a user who may not enter the folders above them.
    private const string Script = """
        set -e
        for pair in $BINDS; do mount --bind "${pair%%=*}" "${pair#*=}"; done
        mount --bind "$WRITABLE" "$WRITABLE"
        awk '$3 != "proc" && $3 != "sysfs" && $3 !~ /^cgroup/ && $3 !~ /^dev/ { print $2 }' /proc/self/mounts | sort -ru | while read -r place; do
            [ "$place" = "$WRITABLE" ] || mount -o remount,bind,ro "$place" 2>/dev/null || true
        done
        if touch "$ROOM/probe" 2>/dev/null; then echo 'The root can be written.'; exit 99; fi
        unset BINDS WRITABLE ROOM
        exec setpriv --reuid USER --regid USER --clear-groups --bounding-set -all --inh-caps -all --no-new-privs --pdeathsig KILL -- "$@"
        """;

    private readonly string _room;

    private ReadOnlyRoot(string room) => _room = room;

    /// <summary>The folder that can be written.</summary>
    public string Writable => Path.Combine(_room, "writable");

    /// <summary>Where the small checkpoint is.</summary>
    public string Model => Path.Combine(_room, "model");

    /// <summary>Null with the reason where there can be none.</summary>
    /// <param name="room">Below a folder that every user may pass through. The caller removes it.</param>
    public static async Task<(ReadOnlyRoot? Root, string? Refusal)> TryMakeAsync(string room)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) return (null, "Only root on Linux may make a read-only root.");
        var (isThere, text) = await SystemCommand.RunAsync("unshare", "-m", "--propagation", "private", "sh", "-c", "mount -o remount,bind,ro / && setpriv --version");
        if (!isThere) return (null, $"There can be no mount namespace here: {text}");
        var root = new ReadOnlyRoot(room);
        foreach (var folder in (string[])["program", "dotnet", "model", "writable"]) Directory.CreateDirectory(Path.Combine(room, folder));
        await SystemCommand.DoAsync("chown", $"{User}:{User}", root.Writable);
        for (var above = room; above != Path.GetPathRoot(above); above = Path.GetDirectoryName(above)!) await SystemCommand.RunAsync("chmod", "o+x", above);
        return (root, null);
    }

    /// <summary>A command line of <c>emu3</c> in there.</summary>
    public ClusterProcess Program(string name, IReadOnlyDictionary<string, string> environment, params ReadOnlySpan<string> arguments)
    {
        var variables = new Dictionary<string, string>(environment)
        {
            ["BINDS"] = $"{AppContext.BaseDirectory.TrimEnd('/')}={Path.Combine(_room, "program")} {DotnetFolder}={Path.Combine(_room, "dotnet")} {Repository.PathTo("models", "emu3-tiny")}={Model}",
            ["WRITABLE"] = Writable,
            ["ROOM"] = _room,
            ["HOME"] = "/home/app", // as .NET's images say, whether it is there or not
        };
        return new(
            name, ["unshare", "-m", "--propagation", "private", "sh", "-c", Script.Replace("USER", User, StringComparison.Ordinal), "sh", Path.Combine(_room, "dotnet", "dotnet"), Path.Combine(_room, "program", "emu3.dll"), .. arguments],
            variables, Path.Combine(_room, name + ".log"));
    }

    /// <summary>The one that runs this.</summary>
    private static string DotnetFolder => Path.GetFullPath(Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
}
