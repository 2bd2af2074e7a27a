using System.Text.Json;

namespace Emu3.Cli.Batch;

/// <summary>
/// How fast models ran on this machine: <c>rates.json</c> of a data folder, positions a second by weights hash. A dry run, which computes nothing, tells its
/// expected time from it. Losing the file loses nothing else.
/// </summary>
internal static class MeasuredRates
{
    /// <summary>Outputs that a run must have made to count as a measurement: fewer say more about loading than about drawing.</summary>
    public const int MinOutputs = 8;

    /// <summary>Positions a second; null when this model never ran long enough.</summary>
    public static double? Read(string dataFolder, string weightsHash) => ReadAll(dataFolder).TryGetValue(weightsHash, out var rate) && rate > 0 ? rate : null;

    public static void Write(string dataFolder, string weightsHash, double positionsPerSecond)
    {
        var rates = ReadAll(dataFolder);
        rates[weightsHash] = positionsPerSecond;
        var file = FileOf(dataFolder);
        File.WriteAllBytes(file + ".new", JsonSerializer.SerializeToUtf8Bytes(rates));
        File.Move(file + ".new", file, overwrite: true);
    }

    private static Dictionary<string, double> ReadAll(string dataFolder)
    {
        try
        {
            return JsonSerializer.Deserialize<Dictionary<string, double>>(File.ReadAllBytes(FileOf(dataFolder))) ?? [];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return [];
        }
    }

    private static string FileOf(string dataFolder) => Path.Combine(dataFolder, "rates.json");
}
