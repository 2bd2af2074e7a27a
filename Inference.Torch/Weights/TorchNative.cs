using System.Reflection;
using System.Runtime.InteropServices;
using TorchSharp;

namespace Emu3.Inference.Weights;

/// <summary>
/// Loads libtorch and TorchSharp's native half by absolute path, before TorchSharp looks for them itself: a library that is
/// loaded already satisfies every later load of the same name, so TorchSharp copies nothing and 500 MB of libtorch need not lie beside the program.
/// </summary>
public static class TorchNative
{
    /// <summary>Environment variable with the folder of libtorch; wins over the folder that was recorded at build.</summary>
    public const string FolderVariable = "EMU3_LIBTORCH";

    private const string FolderMetadata = "Emu3.LibTorchDir";
    private static readonly Lock Gate = new();
    private static Loaded? loaded;

    /// <summary>Loads once; later calls return at once. Call it before the first use of <c>torch</c>; safe from any thread.</summary>
    /// <exception cref="IOException">The folder for temporary files can't be written.</exception>
    /// <exception cref="DllNotFoundException">A library is missing or can't be loaded; the message says where it was looked for and what to do.</exception>
    public static void EnsureLoaded()
    {
        if (Volatile.Read(ref loaded) is not null)
        {
            return;
        }

        lock (Gate)
        {
            if (loaded is null) NativeHeap.ReturnLargeBlocks(); // before the first tensor is made
            loaded ??= Load();
        }
    }

    /// <summary>Versions and paths of what is loaded, in one line. Loads if that has not happened yet.</summary>
    public static string Describe()
    {
        EnsureLoaded();
        var patched = loaded!.Patched ? ", a patched copy because this system's libstdc++ is older than the library asks for" : "";
        return $"libtorch {Version} in {loaded.TorchFolder}; TorchSharp {TorchSharpVersion} with {loaded.BindingPath}{patched}";
    }

    /// <summary>The version of the loaded libtorch, as the library itself says, for example <c>2.10.0</c>. Loads if that has not happened yet.</summary>
    public static string Version
    {
        get
        {
            EnsureLoaded();
            return loaded!.TorchVersion;
        }
    }

    /// <summary>Where the loaded libtorch lies. Loads if that has not happened yet.</summary>
    public static string Folder
    {
        get
        {
            EnsureLoaded();
            return loaded!.TorchFolder;
        }
    }

    /// <summary>Whether the libtorch that would be loaded has kernels for NVIDIA devices. Loads nothing; false when there is none.</summary>
    public static bool HasCuda
    {
        get
        {
            try
            {
                return File.Exists(Path.Combine(FindTorchFolder(), FileName("torch_cuda")));
            }
            catch (DllNotFoundException)
            {
                return false; // told by whoever loads it
            }
        }
    }

    /// <summary>The address of a C function of TorchSharp's native half.</summary>
    internal static nint BindingExport(string name)
    {
        EnsureLoaded();
        return NativeLibrary.GetExport(loaded!.Binding, name);
    }

    private static string TorchSharpVersion =>
        typeof(torch).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "of unknown version";

    private static Loaded Load()
    {
        var folder = FindTorchFolder();
        nint core = 0;
        foreach (var name in new[] { "c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch" })
        {
            // The CUDA libraries are there only in a CUDA build of libtorch.
            if (File.Exists(Path.Combine(folder, FileName(name))))
            {
                var handle = LoadFile(Path.Combine(folder, FileName(name)));
                core = name == "torch_cpu" ? handle : core;
            }
        }

        var path = FindBinding();
        var (binding, patched) = LoadBinding(path);
        return new Loaded(folder, VersionOf(core), path, binding, patched);
    }

    private static string FindTorchFolder()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } chosen)
        {
            return HasTorch(chosen)
                ? Path.GetFullPath(chosen)
                : throw new DllNotFoundException($"{FolderVariable} is '{chosen}', but there is no {FileName("torch_cpu")} in it. Set it to the lib folder of a libtorch.");
        }

        var recorded = typeof(TorchNative).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(a => a.Key == FolderMetadata)?.Value;
        string[] folders = [.. recorded is null ? [] : new[] { recorded }, .. NativeFolders];
        return folders.FirstOrDefault(HasTorch) ?? throw new DllNotFoundException(
            $"{FileName("torch_cpu")} is in none of these folders: {string.Join(", ", folders)}. "
            + $"Restore and build the project on this machine, or set {FolderVariable} to the lib folder of a libtorch.");
    }

    private static bool HasTorch(string folder) => File.Exists(Path.Combine(folder, FileName("torch_cpu")));

    private static string FindBinding() =>
        NativeFolders.Select(folder => Path.Combine(folder, FileName("LibTorchSharp"))).FirstOrDefault(File.Exists) ?? throw new DllNotFoundException(
            $"{FileName("LibTorchSharp")} is in none of these folders: {string.Join(", ", NativeFolders)}. It comes with the TorchSharp package: build for this machine's runtime identifier ({RuntimeInformation.RuntimeIdentifier}).");

    /// <summary>Where the runtime itself looks for native libraries, the program's folder first.</summary>
    private static IEnumerable<string> NativeFolders =>
        ((AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string)?.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries) ?? [])
        .Prepend(AppContext.BaseDirectory).Distinct();

    private static (nint Binding, bool Patched) LoadBinding(string path)
    {
        if (NativeLibrary.TryLoad(path, out var binding))
        {
            return (binding, false);
        }

        if (OperatingSystem.IsLinux() && WeakenedLibrary.TryWrite(path) is { } copy)
        {
            try
            {
                return (LoadFile(copy, "It is a copy for this system's older libstdc++; where the folder for temporary files is mounted noexec, name another with TMPDIR. "), true);
            }
            finally
            {
                // Linux keeps a mapped file's content after its name is gone.
                Directory.Delete(Path.GetDirectoryName(copy)!, recursive: true);
            }
        }

        return (LoadFile(path), false);
    }

    private static nint LoadFile(string path, string hint = "")
    {
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception cause) when (cause is DllNotFoundException or BadImageFormatException)
        {
            throw new DllNotFoundException(
                $"{path} can't be loaded. {hint}`ldd` (Linux) or `otool -L` (macOS) on it shows what it misses; "
                + $"{FolderVariable} chooses another libtorch. The system says: {cause.Message}", cause);
        }
    }

    /// <summary>libtorch's C interface tells its version as bytes, major first (torch/csrc/inductor/aoti_torch/c/shim.h).</summary>
    private static unsafe string VersionOf(nint core)
    {
        if (!NativeLibrary.TryGetExport(core, "aoti_torch_abi_version", out var address))
        {
            return "of unknown version";
        }

        var version = ((delegate* unmanaged[Cdecl]<ulong>)address)();
        return $"{version >> 56}.{version >> 48 & 0xff}.{version >> 40 & 0xff}";
    }

    private static string FileName(string name) =>
        OperatingSystem.IsWindows() ? $"{name}.dll" : OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : $"lib{name}.so";

    private sealed record Loaded(string TorchFolder, string TorchVersion, string BindingPath, nint Binding, bool Patched);
}
