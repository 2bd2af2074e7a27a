using System.Text.RegularExpressions;

namespace Emu3.Cli.Devices;

/// <summary>The devices that a command runs engines on, in the order in which they were named.</summary>
/// <param name="Devices"><c>cpu</c> or <c>cuda:N</c>, or <c>simulated:N</c>; the processor may stand there several times.</param>
internal sealed partial record DeviceList(IReadOnlyList<string> Devices)
{
    public int Count => Devices.Count;

    /// <summary>What each is called to people: <c>cuda:1</c>; <c>cpu#2</c> where the processor is named several times.</summary>
    public IReadOnlyList<string> Names =>
        [.. Devices.Select((device, index) => Devices.Count(other => other == device) == 1 ? device : $"{device}#{Devices.Take(index + 1).Count(other => other == device)}")];

    /// <summary>Reads a list separated by commas.</summary>
    /// <returns>The list, or what is wrong with it.</returns>
    public static (DeviceList? List, string? Error) Parse(string text)
    {
        string[] devices = text.Split(',', StringSplitOptions.TrimEntries);
        if (devices.FirstOrDefault(device => !Device().IsMatch(device)) is { } wrong)
        {
            return (null, $"\"{wrong}\" is no device: cpu and cuda:N are, several separated by commas.");
        }

        return devices.GroupBy(device => device).FirstOrDefault(same => same.Key != "cpu" && same.Count() > 1) is { } twice
            ? (null, $"{twice.Key} is named {twice.Count()} times; only cpu may be named several times.")
            : (new DeviceList(devices), null);
    }

    /// <summary>
    /// Threads for each engine on the processor: what was told, else an equal share of the cores. 0 leaves it to the engine, which takes one a core.
    /// Engines of one list have the same number, so that one goes on with the tokens of another.
    /// </summary>
    public int ThreadsOfEach(int? told, int coreCount)
    {
        var onProcessor = Devices.Count(device => device == "cpu");
        return told ?? (onProcessor > 1 ? Math.Max(1, coreCount / onProcessor) : 0);
    }

    /// <summary>Threads for pictures beside those: what is left of an engine's share of the cores. Null leaves it to the engine, where it is alone on the processor.</summary>
    public int? PictureThreadsOfEach(int? told, int coreCount)
    {
        var onProcessor = Devices.Count(device => device == "cpu");
        return onProcessor > 1 ? Math.Max(0, (coreCount / onProcessor) - ThreadsOfEach(told, coreCount)) : null;
    }

    [GeneratedRegex("^(cpu|(cuda|simulated):[0-9]{1,3})$")]
    private static partial Regex Device();
}
