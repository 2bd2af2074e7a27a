namespace Emu3.Inference.Memory;

/// <summary>A control group of Linux that this process is in: what a container's memory limit is made of. Version 1 and 2 name their files differently.</summary>
/// <param name="Folder">Of the group.</param>
/// <param name="IsUnified">Version 2.</param>
internal sealed record ControlGroup(string Folder, bool IsUnified)
{
    /// <summary>Its limit and what is left of it; null where it has none.</summary>
    public MachineMemory? Read()
    {
        if (Number(IsUnified ? "memory.max" : "memory.limit_in_bytes") is not { } limit
            || Number(IsUnified ? "memory.current" : "memory.usage_in_bytes") is not { } used)
            return null;
        var fields = KernelFile.Fields(Path.Combine(Folder, "memory.stat"), ' ');
        // Files that are only cached count as used, and are dropped when the group reaches its limit.
        var cached = (IsUnified ? (string[])["inactive_file", "active_file"] : ["total_inactive_file", "total_active_file"])
            .Sum(name => fields.TryGetValue(name, out var bytes) ? KernelFile.Bytes(bytes) : 0);
        return new(limit, Math.Max(0, limit - Math.Max(0, used - cached)), IsContainerLimit: true);
    }

    private long? Number(string name) => KernelFile.Number(Path.Combine(Folder, name));
}

/// <summary>Finds a process's control groups.</summary>
internal static class ControlGroups
{
    /// <summary>The groups that limit this process's memory, its own and all above it: the tightest one counts.</summary>
    /// <param name="root">Above <c>proc</c> and <c>sys</c>.</param>
    public static IEnumerable<ControlGroup> Of(string root)
    {
        foreach (var line in KernelFile.Lines(Path.Combine(root, "proc/self/cgroup")))
        {
            // number:controllers:path; version 2 has number 0 and no controllers.
            if (line.Split(':', 3) is not [var number, var controllers, var path])
                continue;
            var isUnified = number == "0" && controllers == "";
            if (!isUnified && !controllers.Split(',').Contains("memory"))
                continue;
            var mount = Path.Combine(root, isUnified ? "sys/fs/cgroup" : "sys/fs/cgroup/memory");
            // Inside a container the mount may begin at the group itself while the path is told from outside: what does not exist is passed over.
            for (var below = path.Trim('/'); ; below = Path.GetDirectoryName(below) ?? "")
            {
                if (Directory.Exists(Path.Combine(mount, below)))
                    yield return new ControlGroup(Path.Combine(mount, below), isUnified);
                if (below == "")
                    break;
            }
        }
    }
}
