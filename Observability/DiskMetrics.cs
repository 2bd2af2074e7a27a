using System.Diagnostics.Metrics;

namespace Emu3.Observability;

/// <summary>Room on the disks that a process writes to. One that can't be asked is not told.</summary>
public sealed class DiskMetrics
{
    private readonly (string Role, string Path)[] _folders;

    /// <param name="factory">Makes the meter.</param>
    /// <param name="folders">Folders by what is in them: <c>blobs</c>, <c>data</c>.</param>
    public DiskMetrics(IMeterFactory factory, params (string Role, string Path)[] folders)
    {
        _folders = folders;
        var meter = factory.Create(Telemetry.HostMeter);
        meter.CreateObservableGauge("emu3.disk.free", () => Measure(disk => disk.AvailableFreeSpace), "By", "Room left on the disk of a folder.");
        meter.CreateObservableGauge("emu3.disk.size", () => Measure(disk => disk.TotalSize), "By", "Size of the disk of a folder.");
    }

    private IEnumerable<Measurement<long>> Measure(Func<DriveInfo, long> measure)
    {
        foreach (var (role, path) in _folders)
        {
            long value;
            try
            {
                value = measure(new DriveInfo(path));
            }
            catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException or ArgumentException)
            {
                continue;
            }

            yield return new(value, new KeyValuePair<string, object?>("folder", role));
        }
    }
}
