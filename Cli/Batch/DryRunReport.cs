using System.Globalization;

namespace Emu3.Cli.Batch;

/// <summary>What a batch would take.</summary>
internal static class DryRunReport
{
    public static void Write(CliConsole console, string outputFolder, JobValidation validation, double? positionsPerSecond)
    {
        console.Out.WriteLine($"Items       {validation.Items}, outputs {validation.Outputs}");
        if (validation.Positions is { } positions)
        {
            console.Out.WriteLine($"Positions   longest {positions.Max} of the model's {positions.Limit}, {positions.Sum} in all");
        }

        if (validation.EstimatedBytes is { } bytes)
        {
            var free = FreeBytes(outputFolder);
            console.Out.WriteLine($"Disk        about {Size(bytes)}, {Size(free)} free{(bytes > free ? ": NOT ENOUGH" : "")}");
        }

        console.Out.WriteLine("Time        " + ExpectedTime(validation, positionsPerSecond));
    }

    /// <summary>By what the workers do now, else by what this machine did before.</summary>
    private static string ExpectedTime(JobValidation validation, double? positionsPerSecond) =>
        validation.EstimatedSeconds is { } seconds ? $"about {BatchProgress.Duration(TimeSpan.FromSeconds(seconds))} ({validation.EstimateBasis})"
        : positionsPerSecond is { } rate && validation.Positions is { } positions
            ? $"about {BatchProgress.Duration(TimeSpan.FromSeconds(positions.Sum / rate))} (predicted from the last run on this machine)"
        : "unknown: this model has not been measured on this machine: a batch does, and emu3 doctor tells a rate";

    /// <summary>Bytes as people say them, in powers of 1024.</summary>
    public static string Size(long bytes)
    {
        string[] units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
        var size = (double)bytes;
        var unit = 0;
        while (size >= 1024 && unit < units.Length - 1)
        {
            size /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{size:0.#} {units[unit]}");
    }

    private static long FreeBytes(string folder)
    {
        // The folder itself is not made by a dry run.
        var existing = Path.GetFullPath(folder);
        while (!Directory.Exists(existing))
        {
            existing = Path.GetDirectoryName(existing)!;
        }

        return new DriveInfo(existing).AvailableFreeSpace;
    }
}
