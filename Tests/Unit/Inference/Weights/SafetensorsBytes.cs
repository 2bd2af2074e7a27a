using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;

namespace Emu3.Tests.Unit.Inference.Weights;

/// <summary>Safetensors files made by hand, right and wrong.</summary>
internal static class SafetensorsBytes
{
    /// <summary>A file with this header, right or wrong, and so many bytes of data.</summary>
    public static byte[] With(string header, int dataLength) => With(Encoding.UTF8.GetBytes(header), new byte[dataLength]);

    /// <summary>A sound file of float32 tensors.</summary>
    public static byte[] Of(params ReadOnlySpan<(string Name, int[] Shape, float[] Values)> tensors)
    {
        var header = new JsonObject { ["__metadata__"] = new JsonObject { ["format"] = "pt" } };
        var data = new List<byte>();
        foreach (var (name, shape, values) in tensors)
        {
            header[name] = new JsonObject
            {
                ["dtype"] = "F32",
                ["shape"] = new JsonArray([.. shape.Select(d => (JsonNode)d)]),
                ["data_offsets"] = new JsonArray(data.Count, data.Count + (4 * values.Length)),
            };
            data.AddRange(MemoryMarshal.AsBytes<float>(values));
        }

        return With(Encoding.UTF8.GetBytes(header.ToJsonString()), [.. data]);
    }

    private static byte[] With(byte[] header, byte[] data)
    {
        var length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        return [.. length, .. header, .. data];
    }
}
