using System.Globalization;

namespace Emu3.Inference.Memory;

/// <summary>The memory that this process may use.</summary>
/// <param name="TotalBytes">Of the machine, or of the container where that has a limit.</param>
/// <param name="AvailableBytes">That can still be taken without swapping. Files in the page cache count as available: the system drops them when it must.</param>
/// <param name="IsContainerLimit">Whether the container's limit, and not the machine, decides.</param>
public sealed record MachineMemory(long TotalBytes, long AvailableBytes, bool IsContainerLimit)
{
    /// <summary>Reads it from the kernel's files; on systems without them, from what .NET knows.</summary>
    /// <param name="root">Above <c>proc</c> and <c>sys</c>; another one for tests.</param>
    public static MachineMemory Read(string root = "/")
    {
        var info = KernelFile.Fields(Path.Combine(root, "proc/meminfo"), ':');
        if (!info.TryGetValue("MemTotal", out var total) || !info.TryGetValue("MemAvailable", out var available))
        {
            var known = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
            return new(known, Math.Max(0, known - Environment.WorkingSet), IsContainerLimit: false);
        }

        var machine = new MachineMemory(KernelFile.Bytes(total), KernelFile.Bytes(available), IsContainerLimit: false);
        return ControlGroups.Of(root).Select(group => group.Read()).OfType<MachineMemory>().Aggregate(machine, (tightest, group) => new(
            Math.Min(tightest.TotalBytes, group.TotalBytes), Math.Min(tightest.AvailableBytes, group.AvailableBytes),
            tightest.IsContainerLimit || group.AvailableBytes < tightest.AvailableBytes));
    }
}

/// <summary>Lines of the kernel's files: a name and a number.</summary>
internal static class KernelFile
{
    /// <summary>What stands behind each name; nothing where there is no such file, or it may not be read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="separator">Between name and value.</param>
    public static IReadOnlyDictionary<string, string> Fields(string path, char separator) => Lines(path)
        .Select(line => line.Split(separator, 2, StringSplitOptions.TrimEntries)).Where(pair => pair.Length == 2)
        .GroupBy(pair => pair[0]).ToDictionary(same => same.Key, same => same.First()[1]);

    /// <summary>All lines; none where there is no such file, or it may not be read.</summary>
    public static IReadOnlyList<string> Lines(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllLines(path) : [];
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>A file that holds one number; null where it holds none, as <c>max</c>.</summary>
    public static long? Number(string path) =>
        Lines(path) is [var line, ..] && long.TryParse(line, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>A number with its unit, <c>kB</c> or none.</summary>
    public static long Bytes(string value) => long.Parse(value.Split(' ')[0], CultureInfo.InvariantCulture) * (value.EndsWith("kB", StringComparison.Ordinal) ? 1024 : 1);
}
