using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Emu3.Inference.Engine;

/// <summary>What is known of the row invariance of a device's kernels.</summary>
/// <param name="Floor">Rows that a pass is padded to multiples of; null when no floor holds.</param>
/// <param name="Origin">Where that is known from, for the log.</param>
internal sealed record InvarianceVerdict(int? Floor, string Origin);

/// <summary>
/// Keeps verdicts of the self-test in a folder, a file for each set of conditions, so that a second start need not test again. A file that can't be read, or that is
/// about other conditions, counts as none and is written anew. Processes may share the folder.
/// </summary>
/// <param name="folder">Null keeps nothing.</param>
internal sealed class InvarianceStore(string? folder)
{
    /// <summary>The verdict that is kept, else what the test finds.</summary>
    /// <param name="conditions">All that the verdict depends on: device, library, type, shapes. In one line.</param>
    /// <param name="test">Runs where nothing is kept.</param>
    public InvarianceVerdict FindOrTest(string conditions, Func<int?> test)
    {
        if (folder is null)
            return new(Test(test, out var alone), $"{alone}; kept nowhere, because Engine:DataFolder is not set");
        var path = Path.Combine(folder, "row-invariance", $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(conditions)))[..16]}.json");
        var (kept, problem) = Read(path, conditions);
        if (kept is not null)
            return new(kept.Floor, $"{Say(kept.Floor)}, found at an earlier start and kept in {path}");
        var floor = Test(test, out var tested);
        if (problem is not null)
            tested += $"; {path} {problem}";
        try
        {
            Write(path, new Kept(conditions, floor));
            return new(floor, $"{tested}; written to {path}");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new(floor, $"{tested}; the next start tests again, because it can't be written: {failure.Message}");
        }
    }

    private static int? Test(Func<int?> test, out string tested)
    {
        var began = Stopwatch.GetTimestamp();
        var floor = test();
        tested = string.Create(CultureInfo.InvariantCulture, $"{Say(floor)}, tested in {Stopwatch.GetElapsedTime(began).TotalSeconds:F1} s");
        return floor;
    }

    private static string Say(int? floor) => floor is { } rows ? $"rows in multiples of {rows}" : "no row count holds";

    /// <returns>What is kept; null and, where there is a file, what is wrong with it.</returns>
    private static (Kept? Kept, string? Problem) Read(string path, string conditions)
    {
        try
        {
            if (!File.Exists(path))
                return (null, null);
            var kept = JsonSerializer.Deserialize<Kept>(File.ReadAllText(path), JsonSerializerOptions.Web);
            return kept?.Conditions != conditions ? (null, "was about other conditions")
                : kept.Floor is < 1 or > Batching.RowCounts.Most ? (null, $"had the floor {kept.Floor}") : (kept, null);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException)
        {
            return (null, $"could not be read ({failure.Message})");
        }
    }

    /// <summary>Whole or not at all: under another name first.</summary>
    private static void Write(string path, Kept kept)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = $"{path}.{Guid.NewGuid():N}";
        File.WriteAllText(temporary, JsonSerializer.Serialize(kept, JsonSerializerOptions.Web));
        File.Move(temporary, path, overwrite: true);
    }

    private sealed record Kept(string Conditions, int? Floor);
}
