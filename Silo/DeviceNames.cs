using System.Globalization;
using Emu3.Inference;

namespace Emu3.Silo;

/// <summary>Devices as they are written in configuration.</summary>
public static class DeviceNames
{
    private const string Many = $"{EngineOptions.Simulated}*";

    /// <summary>One name a device: <c>simulated*3</c> stands for <c>simulated:0</c>, <c>simulated:1</c> and <c>simulated:2</c>. Others are taken as they are.</summary>
    public static IReadOnlyList<string> Expand(IEnumerable<string> devices) => [.. devices.SelectMany(device =>
        device.StartsWith(Many, StringComparison.Ordinal) && int.TryParse(device.AsSpan(Many.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0
            ? Enumerable.Range(0, count).Select(index => $"{EngineOptions.Simulated}:{index}")
            : [device])];
}
