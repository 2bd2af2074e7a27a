using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.Json;
using Emu3.Inference.Weights;

namespace Emu3.Tests.Golden;

/// <summary>
/// One folder of golden fixtures: a small checkpoint and what the reference computes from it (fixtures/README.md). The tests run on those of the repository, or on
/// those that <c>EMU3_GOLDEN_DIR</c> names: several separated by ':', each a folder with a <c>cases.json</c> or a parent of such folders.
/// A folder that is named and missing fails its tests.
/// </summary>
public sealed class GoldenFolder
{
    /// <summary>The environment variable.</summary>
    public const string Variable = "EMU3_GOLDEN_DIR";

    private static readonly ConcurrentDictionary<string, bool> s_announced = [];

    private readonly Lazy<IReadOnlyDictionary<string, GoldenTensor>> tensors;

    private GoldenFolder(string path)
    {
        Path = path;
        Cases = ReadJson(File("cases.json"));
        Original = System.IO.File.Exists(File("original.json")) ? ReadJson(File("original.json")) : null;
        tensors = new(ReadTensors);
    }

    /// <summary>The folders to test, for <c>[MemberData(nameof(GoldenFolder.Paths), MemberType = typeof(GoldenFolder))]</c>.</summary>
    public static TheoryData<string> Paths => [.. FindPaths()];

    /// <summary>The same, each with both ways of computing the decoder.</summary>
    public static TheoryData<string, Way> PathsAndWays
    {
        get
        {
            var data = new TheoryData<string, Way>();
            foreach (var path in FindPaths())
                foreach (var way in Enum.GetValues<Way>())
                    data.Add(path, way);
            return data;
        }
    }

    /// <summary>Those of them that have a checkpoint in the original layout too.</summary>
    public static TheoryData<string> OriginalPaths =>
        [.. FindPaths().Where(path => !Directory.Exists(path) || Directory.Exists(System.IO.Path.Combine(path, "checkpoint-original")))];

    public string Path { get; }

    /// <summary>The folder's own name.</summary>
    public string Name => System.IO.Path.GetFileName(Path);

    /// <summary><c>cases.json</c>.</summary>
    public JsonElement Cases { get; }

    /// <summary><c>original.json</c>, where there is one.</summary>
    public JsonElement? Original { get; }

    /// <summary>The checkpoint in the hub layout.</summary>
    public ModelFolder Checkpoint => ModelFolder.Open(File("checkpoint"));

    /// <summary>The checkpoint in the original layout.</summary>
    public ModelFolder CheckpointOriginal => ModelFolder.Open(File("checkpoint-original", "language"), File("checkpoint-original", "vision"));

    /// <summary>Opens a folder, and tells the runner its name when that happens first (shown because of <c>diagnosticMessages</c> in xunit.runner.json).</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder, or it has no <c>cases.json</c>.</exception>
    public static GoldenFolder Open(string path)
    {
        if (!System.IO.File.Exists(System.IO.Path.Combine(path, "cases.json")))
        {
            throw new DirectoryNotFoundException($"{path} has no cases.json. {Variable} is '{Environment.GetEnvironmentVariable(Variable)}'.");
        }

        var folder = new GoldenFolder(path);
        if (s_announced.TryAdd(path, true))
        {
            TestContext.Current.SendDiagnosticMessage($"golden folder {folder.Name} ({path})");
        }

        return folder;
    }

    /// <summary>The absolute path of a file of the folder.</summary>
    public string File(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Path, .. parts]);

    /// <summary>A tensor of <c>tensors.safetensors</c>.</summary>
    public GoldenTensor Tensor(string name) => tensors.Value[name];

    /// <summary>A tensor whose name stands in a case: <c>folder.Tensor(@case, "pixel_values")</c>.</summary>
    public GoldenTensor Tensor(JsonElement @case, string field) => Tensor(@case.GetProperty(field).GetString()!);

    private static IEnumerable<string> FindPaths()
    {
        var named = Environment.GetEnvironmentVariable(Variable);
        return string.IsNullOrEmpty(named)
            ? [Repository.PathTo("Tests", "Golden", "fixtures", "tiny-a"), Repository.PathTo("Tests", "Golden", "fixtures", "tiny-b")]
            : named.Split(':', StringSplitOptions.RemoveEmptyEntries).SelectMany(Variants);
    }

    /// <summary>The folders that a path stands for; itself when there are none, so that opening it fails.</summary>
    internal static IEnumerable<string> Variants(string path)
    {
        path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        if (!Directory.Exists(path) || System.IO.File.Exists(System.IO.Path.Combine(path, "cases.json")))
        {
            return [path];
        }

        string[] inside = [.. Directory.EnumerateDirectories(path).Where(d => System.IO.File.Exists(System.IO.Path.Combine(d, "cases.json"))).Order(StringComparer.Ordinal)];
        return inside is [] ? [path] : inside;
    }

    private static JsonElement ReadJson(string path)
    {
        using var document = JsonDocument.Parse(System.IO.File.ReadAllBytes(path));
        return document.RootElement.Clone();
    }

    private Dictionary<string, GoldenTensor> ReadTensors()
    {
        using var file = SafetensorsFile.Open(File("tensors.safetensors"));
        return file.Entries.Values.ToDictionary(entry => entry.Name, entry => GoldenTensor.From(entry, file.Bytes(entry)));
    }
}

/// <summary>Numbers that the reference computed, row by row.</summary>
/// <param name="Shape">Dimensions.</param>
/// <param name="Floats">The values of a float tensor; empty for an integer one.</param>
/// <param name="Integers">The values of an integer tensor (codes, bytes); empty for a float one.</param>
public sealed record GoldenTensor(IReadOnlyList<long> Shape, float[] Floats, int[] Integers)
{
    internal static GoldenTensor From(SafetensorsEntry entry, ReadOnlySpan<byte> bytes) => entry.Dtype switch
    {
        ElementType.F32 => new(entry.Shape, MemoryMarshal.Cast<byte, float>(bytes).ToArray(), []),
        ElementType.I64 => new(entry.Shape, [], [.. MemoryMarshal.Cast<byte, long>(bytes).ToArray().Select(value => checked((int)value))]),
        ElementType.I32 => new(entry.Shape, [], MemoryMarshal.Cast<byte, int>(bytes).ToArray()),
        ElementType.U8 => new(entry.Shape, [], [.. bytes.ToArray().Select(value => (int)value)]),
        _ => throw new InvalidDataException($"{entry.Name} has dtype {entry.Dtype}."),
    };
}

/// <summary>Arrays out of the cases.</summary>
internal static class GoldenJson
{
    public static int[] Integers(this JsonElement element, string field) => [.. element.GetProperty(field).EnumerateArray().Select(value => value.GetInt32())];

    public static string Text(this JsonElement element, string field) => element.GetProperty(field).GetString()!;

    public static IEnumerable<JsonElement> Each(this JsonElement element, string field) => element.GetProperty(field).EnumerateArray();
}
