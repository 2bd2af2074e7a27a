using System.Buffers.Binary;
using System.Text.Json.Nodes;

namespace Emu3.Tests.Golden;

/// <summary>A temporary copy of a hub-layout checkpoint under the module names that transformers has since 4.52. Deleted on dispose.</summary>
public sealed class RenamedCheckpoint : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("emu3-renamed-");

    public RenamedCheckpoint(string hubCheckpoint)
    {
        foreach (var path in Directory.EnumerateFiles(hubCheckpoint))
        {
            var target = System.IO.Path.Combine(Path, System.IO.Path.GetFileName(path));
            if (path.EndsWith(".safetensors", StringComparison.Ordinal))
                File.WriteAllBytes(target, RenameTensors(File.ReadAllBytes(path)));
            else if (path.EndsWith(".safetensors.index.json", StringComparison.Ordinal))
                File.WriteAllText(target, RenameIndex(File.ReadAllText(path)));
            else
                File.Copy(path, target);
        }
    }

    public string Path => folder.FullName;

    public void Dispose() => folder.Delete(recursive: true);

    /// <summary>text_model.model.X → model.text_model.X, text_model.lm_head.X → lm_head.X, vqmodel.X → model.vqmodel.X.</summary>
    private static string Rename(string name) =>
        name.StartsWith("text_model.model.", StringComparison.Ordinal) ? "model.text_model." + name["text_model.model.".Length..]
        : name.StartsWith("text_model.", StringComparison.Ordinal) ? name["text_model.".Length..]
        : name.StartsWith("vqmodel.", StringComparison.Ordinal) ? "model." + name
        : name;

    private static JsonObject Rename(JsonObject tensors) =>
        new(tensors.Select(tensor => KeyValuePair.Create(Rename(tensor.Key), tensor.Value?.DeepClone())));

    private static byte[] RenameTensors(byte[] file)
    {
        var headerLength = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        var header = System.Text.Encoding.UTF8.GetBytes(Rename(JsonNode.Parse(file.AsSpan(8, headerLength))!.AsObject()).ToJsonString());
        var length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        return [.. length, .. header, .. file.AsSpan(8 + headerLength)];
    }

    private static string RenameIndex(string index)
    {
        var json = JsonNode.Parse(index)!.AsObject();
        json["weight_map"] = Rename(json["weight_map"]!.AsObject());
        return json.ToJsonString();
    }
}
