using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Emu3.Inference.Memory;

namespace Emu3.Inference.Engine;

/// <summary>What a device is called and how much memory it has left.</summary>
internal static class DeviceFacts
{
    /// <summary>Processor or GPU with what its kernels are chosen by.</summary>
    /// <param name="device"><c>cpu</c> or <c>cuda:N</c></param>
    public static string Describe(string device) => device != "cpu"
        ? CudaDriver.Name(IndexOf(device))
        : $"{ProcessorName()} ({string.Join(' ', InstructionSets())})";

    /// <summary>The number of a device among those of its kind.</summary>
    /// <param name="device"><c>cuda:N</c></param>
    public static int IndexOf(string device) => int.Parse(device.AsSpan(device.IndexOf(':') + 1), CultureInfo.InvariantCulture);

    /// <summary>Bytes that a process may still take.</summary>
    /// <param name="device"><c>cpu</c> or <c>cuda:N</c></param>
    public static long FreeBytes(string device) => device != "cpu"
        ? CudaDriver.FreeBytes()
        : MachineMemory.Read().AvailableBytes;

    private static string ProcessorName() =>
        FieldOf("/proc/cpuinfo", "model name") ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? $"{RuntimeInformation.OSArchitecture}";

    private static IEnumerable<string> InstructionSets() => new (string Name, bool IsSupported)[]
    {
        ("avx512", Avx512F.IsSupported), ("avx2", Avx2.IsSupported), ("fma", Fma.IsSupported), ("asimd", AdvSimd.IsSupported),
    }.Where(set => set.IsSupported).Select(set => set.Name);

    private static string? FieldOf(string file, string name) => !File.Exists(file) ? null : File.ReadLines(file)
        .Select(line => line.Split(':', 2, StringSplitOptions.TrimEntries)).FirstOrDefault(pair => pair[0] == name)?[1];
}
