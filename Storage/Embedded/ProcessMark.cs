using System.Globalization;

namespace Emu3.Storage.Embedded;

/// <summary>
/// Which process this is, told so that another on the same machine can see whether it still exists: the machine's start, the namespace of process ids,
/// the id, and when the process began, since ids come again.
/// </summary>
/// <param name="Boot">Id of the machine's present run.</param>
/// <param name="Space">Namespace in which <paramref name="Id"/> counts: in another, as another container's, nothing can be said.</param>
/// <param name="Id">The process's id.</param>
/// <param name="Began">Ticks from the machine's start to the process's.</param>
public sealed record ProcessMark(string Boot, string Space, int Id, string Began)
{
    /// <summary>This process; null where the system has no /proc to read it from.</summary>
    public static ProcessMark? Mine { get; } = OperatingSystem.IsLinux() && BeganAt(Environment.ProcessId) is { } began
        ? new(ReadBoot(), ReadSpace(), Environment.ProcessId, began)
        : null;

    /// <summary>Whether that process is certainly no more. A frozen one is still there.</summary>
    public bool IsGone() => Mine is { } mine && (Boot != mine.Boot || (Space == mine.Space && BeganAt(Id) != Began));

    public override string ToString() => $"{Boot} {Space} {Id.ToString(CultureInfo.InvariantCulture)} {Began}";

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    public static ProcessMark? Parse(string? text) =>
        text?.Split(' ') is [var boot, var space, var id, var began] ? new(boot, space, int.Parse(id, CultureInfo.InvariantCulture), began) : null;

    private static string ReadBoot() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    private static string ReadSpace() => new FileInfo("/proc/self/ns/pid").LinkTarget ?? "";

    /// <summary>Field 22 of /proc/ID/stat; null when there is no such process, or it has ended and only waits for its parent to see that.</summary>
    private static string? BeganAt(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id.ToString(CultureInfo.InvariantCulture)}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' '); // the name before may hold anything
            return fields[0] is "Z" or "X" or "x" ? null : fields[19];
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
