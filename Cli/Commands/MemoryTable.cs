using System.Globalization;
using Emu3.Inference;
using Emu3.Inference.Memory;
using Spectre.Console;

namespace Emu3.Cli.Commands;

/// <summary>The part of <c>emu3 doctor</c> about memory: what a load will take beside what the machine has, and the rate that reading the weights allows.</summary>
internal static class MemoryTable
{
    private const long InCaches = 64 << 20; // bytes of weights that may stay in caches: reading memory is no limit for them

    /// <summary>Writes the forecast of one engine.</summary>
    /// <param name="console">Where.</param>
    /// <param name="options">The engine.</param>
    /// <param name="model">Name of the checkpoint.</param>
    /// <returns>In a few words.</returns>
    public static string Write(CliConsole console, EngineOptions options, string model)
    {
        var available = LoadForecast.AvailableBytes(options.Device);
        var forecast = LoadForecast.Read(options, available);
        WriteRows(console, $"Memory on {options.Device}", [.. forecast.Parts.Select(Row), .. Totals(forecast, available)]);
        if (forecast.Shortage(available, model) is null && forecast.ComfortableBytes > available && options.Device == "cpu")
        {
            console.Out.WriteLine("Not all weights stay in memory beside a picture: after each one, the next passes read them from the disk again.");
        }

        if (options.Device == "cpu")
        {
            console.Out.WriteLine(Rate(forecast, ReadRate.Measure(options.Threads == 0 ? Environment.ProcessorCount : options.Threads)));
        }

        return $"needs {MemoryForecast.Text(forecast.NeededBytes)}{(available == long.MaxValue ? "" : $", {MemoryForecast.Text(available)} are available")}";
    }

    private static string[] Row(MemoryPart part) => [part.Name, MemoryForecast.Text(part.Bytes), part.Kind switch
    {
        MemoryKind.Mapped => "mapped: the system can take it back",
        MemoryKind.Picture => "one at a time, given back",
        _ => "held",
    }, part.Note];

    private static IEnumerable<string[]> Totals(MemoryForecast forecast, long available)
    {
        yield return ["needed", MemoryForecast.Text(forecast.NeededBytes), "", forecast.RevisitedBytes + forecast.KeptPictureBytes >= forecast.PictureBytes
            ? "what is held, and the weights that passes read" : "what is held, and a picture"];
        yield return ["needed for everything at once", MemoryForecast.Text(forecast.ComfortableBytes), "", "what is held, a picture, and all mapped weights"];
        if (forecast.Device != "cpu")
        {
            yield return ["the device has", available == long.MaxValue ? "unknown" : MemoryForecast.Text(available), "", ""];
            yield break;
        }

        var machine = MachineMemory.Read();
        yield return ["available", MemoryForecast.Text(machine.AvailableBytes), "", $"of {MemoryForecast.Text(machine.TotalBytes)}{(machine.IsContainerLimit ? ", by the container's limit" : "")}"];
    }

    private static string Rate(MemoryForecast forecast, double bytesASecond)
    {
        var reading = string.Create(CultureInfo.InvariantCulture, $"This machine reads {bytesASecond / 1e9:0.0} GB/s from memory");
        if (forecast.PassBytes <= InCaches)
        {
            return $"{reading}; the {MemoryForecast.Text(forecast.PassBytes)} of weights that a pass reads may stay in caches, and arithmetic decides the rate.";
        }

        var seconds = forecast.PassBytes / bytesASecond;
        var rate = seconds >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s a token") : string.Create(CultureInfo.InvariantCulture, $"{1 / seconds:0.0} tokens/s");
        return $"{reading}, and a pass {MemoryForecast.Text(forecast.PassBytes)} of weights: {rate} at best for one picture, guided or not. Up to about 8 sequences share a pass for the same time.";
    }

    private static void WriteRows(CliConsole console, string title, IReadOnlyList<string[]> rows)
    {
        if (!console.IsLive)
        {
            console.Out.WriteLine(title);
            foreach (var row in rows)
            {
                console.Out.WriteLine($"  {row[0],-34}{row[1],12}  {string.Join("; ", row[2..].Where(text => text != ""))}".TrimEnd());
            }

            return;
        }

        var table = new Table().Title(title).AddColumns("Part", "Takes", "How long", "");
        foreach (var row in rows)
        {
            table.AddRow([.. row.Select(Markup.Escape)]);
        }

        console.Ansi.Write(table);
    }
}
