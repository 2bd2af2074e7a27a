namespace Emu3.Cli.Devices;

/// <summary>Where one supervised device stands.</summary>
/// <param name="Name">What it is called to people.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Detail">What is being loaded, or why it is not there.</param>
internal sealed record DeviceStatus(string Name, DeviceState State, string? Detail = null)
{
    /// <summary>All of them in one line: what is up, then each that is not.</summary>
    public static string Describe(IReadOnlyList<DeviceStatus> devices)
    {
        var up = devices.Count(device => device.State == DeviceState.Up);
        var others = devices.Where(device => device.State != DeviceState.Up).Select(device => device.State switch
        {
            DeviceState.GivenUp => $"{device.Name} given up",
            DeviceState.Restarting => $"{device.Name} restarting",
            _ => $"{device.Name} {device.Detail ?? "starting"}",
        });
        return string.Join(", ", others.Prepend(up == devices.Count ? $"{up} devices up" : $"{up} of {devices.Count} devices up"));
    }
}

/// <summary>Where a supervised device stands.</summary>
internal enum DeviceState
{
    /// <summary>Its process starts or loads the model.</summary>
    Loading = 0,

    /// <summary>It takes work.</summary>
    Up = 1,

    /// <summary>Its process ended, and is started again soon.</summary>
    Restarting = 2,

    /// <summary>It will not be tried again.</summary>
    GivenUp = 3,
}
