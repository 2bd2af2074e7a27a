namespace Emu3.Inference.Memory;

/// <summary>Resident memory of this process.</summary>
/// <param name="AnonymousBytes">Its own: only its end gives it back.</param>
/// <param name="MappedBytes">Pages of mapped files, among them the weights: the system takes them back when it needs them.</param>
public readonly record struct ProcessMemory(long AnonymousBytes, long MappedBytes)
{
    /// <summary>Reads it; on systems that don't tell the parts apart, all counts as its own.</summary>
    public static ProcessMemory Read()
    {
        var fields = KernelFile.Fields("/proc/self/status", ':');
        return fields.TryGetValue("RssAnon", out var anonymous) && fields.TryGetValue("RssFile", out var mapped)
            ? new(KernelFile.Bytes(anonymous), KernelFile.Bytes(mapped))
            : new(Environment.WorkingSet, 0);
    }
}
