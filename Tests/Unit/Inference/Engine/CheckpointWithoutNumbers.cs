using System.Buffers.Binary;
using System.Text.Json;

namespace Emu3.Tests.Unit.Inference.Engine;

/// <summary>A temporary copy of a checkpoint in which one tensor is NaN throughout. Deleted on dispose.</summary>
internal sealed class CheckpointWithoutNumbers : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("emu3-nan-");

    public CheckpointWithoutNumbers(string checkpoint, string tensor)
    {
        foreach (var path in Directory.EnumerateFiles(checkpoint))
        {
            var bytes = File.ReadAllBytes(path);
            if (path.EndsWith(".safetensors", StringComparison.Ordinal))
                Poison(bytes, tensor);
            File.WriteAllBytes(System.IO.Path.Combine(Path, System.IO.Path.GetFileName(path)), bytes);
        }
    }

    public string Path => folder.FullName;

    public void Dispose() => folder.Delete(recursive: true);

    private static void Poison(byte[] file, string tensor)
    {
        var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        using var header = JsonDocument.Parse(file.AsMemory(8, length));
        if (!header.RootElement.TryGetProperty(tensor, out var entry))
            return;
        var offsets = entry.GetProperty("data_offsets");
        file.AsSpan(8 + length)[offsets[0].GetInt32()..offsets[1].GetInt32()].Fill(0xFF); // all bits set is NaN in every float type
    }
}
