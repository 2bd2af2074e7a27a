using Emu3.Benchmarks.Processes;

namespace Emu3.Benchmarks.Chaos;

/// <summary>A folder that is a disk of its own in memory, and can be full: made as small as what is on it. Needs the right to mount.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private const int Mebibytes = 2048;
    private readonly string _folder;

    private SmallDisk(string folder) => _folder = folder;

    /// <summary>Null with the reason where it is not permitted.</summary>
    public static async Task<(SmallDisk? Disk, string? Refusal)> TryMountAsync(string folder)
    {
        Directory.CreateDirectory(folder);
        var (isDone, text) = await SystemCommand.RunAsync("mount", "-t", "tmpfs", "-o", $"size={Mebibytes}m", "emu3-chaos", folder);
        return isDone ? (new(folder), null) : (null, text);
    }

    /// <summary>Nothing more fits.</summary>
    public async Task FillAsync()
    {
        // Whatever is written between the look and the change makes it too small to be true; then once more.
        for (var attempt = 0; attempt < 20; attempt++)
        {
            var drive = new DriveInfo(_folder);
            var (isDone, _) = await SystemCommand.RunAsync("mount", "-o", $"remount,size={drive.TotalSize - drive.TotalFreeSpace}", _folder);
            if (isDone) return;
        }

        throw new InvalidOperationException($"The disk at {_folder} can't be made small.");
    }

    /// <summary>There is room again.</summary>
    public Task EaseAsync() => SystemCommand.DoAsync("mount", "-o", $"remount,size={Mebibytes}m", _folder);

    /// <summary>Whatever is on it goes.</summary>
    public async ValueTask DisposeAsync() => await SystemCommand.DoAsync("umount", "-l", _folder);
}
