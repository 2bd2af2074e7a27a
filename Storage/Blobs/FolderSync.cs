using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Emu3.Storage.Blobs;

/// <summary>Flushes a folder's entries to the disk: a renamed file is durable only after that.</summary>
public static partial class FolderSync
{
    public static void Flush(string folder)
    {
        // NTFS journals its folders and has no such call.
        if (OperatingSystem.IsWindows()) return;
        var handle = Open(folder, flags: 0); // O_RDONLY
        if (handle < 0)
        {
            // Removed by another since: there is nothing left to keep.
            if (!Directory.Exists(folder)) return;
            throw new IOException($"Can't open folder {folder}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }

        try
        {
            if (Sync(handle) != 0) throw new IOException($"Can't flush folder {folder}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }
        finally
        {
            _ = Close(handle);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);
}
