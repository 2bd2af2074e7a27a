using System.Runtime.InteropServices;

namespace Emu3.Inference.Weights;

/// <summary>
/// How glibc's malloc, from which libtorch takes the memory of tensors on the CPU, gives memory back. Once a block of up to 32 MB has been freed, glibc takes
/// blocks of that size from its heaps instead of from the system, and a heap gives back only what lies free at its end. One large picture then leaves the
/// process at its highest mark for ever, and each thread that makes tensors adds a heap. With a fixed threshold, larger blocks are the system's again as soon
/// as a tensor is freed.
/// </summary>
internal static partial class NativeHeap
{
    /// <summary>
    /// Blocks from this size on are mapped one by one. A smaller threshold maps, and clears, the blocks of each step of a transformer anew; a larger one keeps
    /// those of the vision tokenizer.
    /// </summary>
    internal const int MappedFromBytes = 1 << 20;

    /// <summary>So much may lie free at the end of a heap.</summary>
    private const int KeptBytes = 8 << 20;

    private const int TrimThreshold = -1; // M_TRIM_THRESHOLD of malloc.h
    private const int MmapThreshold = -3; // M_MMAP_THRESHOLD

    /// <summary>Sets it for the process, unless its user has set something of glibc's malloc. False where nothing was set, as where there is no glibc.</summary>
    public static bool ReturnLargeBlocks()
    {
        if (!OperatingSystem.IsLinux() || IsSetByUser) return false;
        try
        {
            return Set(MmapThreshold, MappedFromBytes) == 1 && Set(TrimThreshold, KeptBytes) == 1;
        }
        catch (EntryPointNotFoundException)
        {
            return false; // musl's malloc has no such thing
        }
        catch (DllNotFoundException)
        {
            return false;
        }
    }

    private static bool IsSetByUser => Environment.GetEnvironmentVariable("GLIBC_TUNABLES")?.Contains("glibc.malloc.", StringComparison.Ordinal) == true
        || Environment.GetEnvironmentVariable("MALLOC_MMAP_THRESHOLD_") is not null || Environment.GetEnvironmentVariable("MALLOC_TRIM_THRESHOLD_") is not null;

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    private static partial int Set(int parameter, int value);
}
