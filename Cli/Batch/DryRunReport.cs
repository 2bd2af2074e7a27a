using System.Globalization;

namespace Emu3.Cli.Batch;

/// <summary>What a batch would take.</summary>
internal static class DryRunReport
{
    public static void Write(CliConsole console, string outputFolder, JobValidation validation)
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

        console.Out.WriteLine(validation.EstimatedSeconds is { } seconds
            ? $"Time        about {BatchProgress.Duration(TimeSpan.FromSeconds(seconds))} ({validation.EstimateBasis})"
            : "Time        unknown: nothing was measured yet");
    }

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
