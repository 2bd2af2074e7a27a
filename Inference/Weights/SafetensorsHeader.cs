using System.Buffers.Binary;
using System.Text.Json;

namespace Emu3.Inference.Weights;

/// <summary>The checked header of a <c>.safetensors</c> file.</summary>
public sealed class SafetensorsHeader
{
    private const int MaxBytes = 100_000_000; // the limit of the format's own reader

    private SafetensorsHeader(long dataStart, IReadOnlyDictionary<string, SafetensorsEntry> entries)
    {
        DataStart = dataStart;
        Entries = entries;
    }

    /// <summary>Offset in the file of the first byte after the header.</summary>
    public long DataStart { get; }

    public IReadOnlyDictionary<string, SafetensorsEntry> Entries { get; }

    /// <exception cref="CheckpointException">The header breaks a rule of the format; the message names the file and the tensor.</exception>
    public static SafetensorsHeader Read(string path)
    {
        using var file = File.OpenRead(path);
        var length = file.Length;
        CheckpointFile.RefusePointer(path, file);
        Span<byte> prefix = stackalloc byte[8];
        if (file.ReadAtLeast(prefix, 8, throwOnEndOfStream: false) < 8)
        {
            throw Broken(path, $"it has {length} bytes, fewer than the 8 of a header's length");
        }

        var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > MaxBytes || (long)headerLength > length - 8)
        {
            throw Broken(path, $"its header says it is {headerLength} bytes long; the file has {length} bytes, and a header {MaxBytes} at most");
        }

        var json = new byte[headerLength];
        file.ReadExactly(json);
        var dataStart = 8 + (long)headerLength;
        return new SafetensorsHeader(dataStart, Parse(path, json, length - dataStart));
    }

    private static Dictionary<string, SafetensorsEntry> Parse(string path, byte[] json, long dataLength)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
            var entries = new Dictionary<string, SafetensorsEntry>();
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.Name != "__metadata__" && !entries.TryAdd(property.Name, Entry(path, property.Name, property.Value, dataLength)))
                {
                    throw Broken(path, $"tensor '{property.Name}' is there twice");
                }
            }

            RequireNoGaps(path, entries.Values, dataLength);
            return entries;
        }
        catch (Exception cause) when (cause is JsonException or InvalidOperationException)
        {
            throw new CheckpointException($"{path} is not a safetensors file: its header is not the JSON object that it should be ({cause.Message})", cause);
        }
    }

    private static SafetensorsEntry Entry(string path, string name, JsonElement value, long dataLength)
    {
        if (value.ValueKind != JsonValueKind.Object
            || !value.TryGetProperty("dtype", out var dtype) || dtype.ValueKind != JsonValueKind.String
            || !value.TryGetProperty("shape", out var shape) || !TryIntegers(shape, out var dimensions)
            || !value.TryGetProperty("data_offsets", out var offsets) || !TryIntegers(offsets, out var extent) || extent.Length != 2)
        {
            throw Broken(path, $"tensor '{name}' must have a dtype, a shape of integers from 0 on and two data_offsets");
        }

        if (Dtype(dtype.GetString()!) is not var (type, elementSize))
        {
            throw Broken(path, $"tensor '{name}' has dtype {dtype.GetString()}; allowed are BF16, F16, F32, F64, F8_E4M3, F8_E5M2, I64, I32, I16, I8, U8 and BOOL");
        }

        // 128 bits: no product of two 64-bit numbers overflows, and a product that left 64 bits once stays refused.
        Int128 byteCount = elementSize;
        foreach (var dimension in dimensions)
        {
            byteCount = byteCount > long.MaxValue && dimension != 0 ? byteCount : byteCount * dimension;
        }

        if (extent[0] > extent[1] || extent[1] > dataLength || extent[1] - extent[0] != byteCount)
        {
            throw Broken(path, $"tensor '{name}' of shape [{string.Join(", ", dimensions)}] takes {byteCount} bytes, but its data_offsets are [{extent[0]}, {extent[1]}] in {dataLength} bytes of data");
        }

        return new SafetensorsEntry(name, type, dimensions, extent[0], extent[1] - extent[0]);
    }

    private static void RequireNoGaps(string path, IEnumerable<SafetensorsEntry> entries, long dataLength)
    {
        long end = 0;
        foreach (var entry in entries.OrderBy(e => e.Offset).ThenBy(e => e.ByteCount))
        {
            if (entry.Offset != end)
            {
                throw Broken(path, $"{(entry.Offset > end ? "there is a hole before" : "other data overlaps")} tensor '{entry.Name}': it starts at {entry.Offset}, the one before it ends at {end}");
            }

            end += entry.ByteCount;
        }

        if (end != dataLength)
        {
            throw Broken(path, $"its tensors end at {end}, but there are {dataLength} bytes of data");
        }
    }

    private static bool TryIntegers(JsonElement array, out long[] values)
    {
        values = [];
        if (array.ValueKind != JsonValueKind.Array)
        {
            return false;
        }

        values = new long[array.GetArrayLength()];
        for (var i = 0; i < values.Length; i++)
        {
            if (array[i].ValueKind != JsonValueKind.Number || !array[i].TryGetInt64(out values[i]) || values[i] < 0)
            {
                return false;
            }
        }

        return true;
    }

    private static (ElementType Type, int ElementSize)? Dtype(string name) => name switch
    {
        "BF16" => (ElementType.BF16, 2),
        "F16" => (ElementType.F16, 2),
        "F32" => (ElementType.F32, 4),
        "F64" => (ElementType.F64, 8),
        "F8_E4M3" => (ElementType.F8E4M3, 1),
        "F8_E5M2" => (ElementType.F8E5M2, 1),
        "I64" => (ElementType.I64, 8),
        "I32" => (ElementType.I32, 4),
        "I16" => (ElementType.I16, 2),
        "I8" => (ElementType.I8, 1),
        "U8" => (ElementType.U8, 1),
        "BOOL" => (ElementType.Bool, 1),
        _ => null,
    };

    private static CheckpointException Broken(string path, string why) => new($"{path} is not a sound safetensors file: {why}.");
}
