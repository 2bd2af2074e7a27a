using System.Text.Json;

namespace Emu3.Inference.Weights;

/// <summary>One weight file.</summary>
/// <param name="Path">Absolute.</param>
/// <param name="IsVision">Whether it belongs to a vision tokenizer that is a checkpoint of its own.</param>
/// <param name="Indexed">The tensors that the index promises in it; null where there is no index.</param>
public sealed record WeightShard(string Path, bool IsVision, IReadOnlySet<string>? Indexed)
{
    /// <summary>Bytes of the file. Of the one that a link leads to, as all are in a Hugging Face cache: what the folder says of a link is the length of its path.</summary>
    public long ReadLength()
    {
        using var file = File.OpenHandle(Path);
        return RandomAccess.GetLength(file);
    }
}

/// <summary>Lists the weight files of a folder: <c>model.safetensors</c>, or those that <c>model.safetensors.index.json</c> names.</summary>
internal static class WeightShards
{
    private const string SingleFile = "model.safetensors";
    private const string IndexFile = "model.safetensors.index.json";

    /// <exception cref="CheckpointException">There is no weight file, the index can't be read, or it names a file that is missing or outside the folder.</exception>
    public static IReadOnlyList<WeightShard> Of(string folder, bool isVision)
    {
        var single = Path.Combine(folder, SingleFile);
        var index = Path.Combine(folder, IndexFile);
        return File.Exists(single) ? [new WeightShard(single, isVision, Indexed: null)]
            : File.Exists(index) ? ReadIndex(folder, index, isVision)
            : throw new CheckpointException($"{folder} has neither {SingleFile} nor {IndexFile}. Weights in other formats must be converted to safetensors first.");
    }

    private static List<WeightShard> ReadIndex(string folder, string index, bool isVision)
    {
        try
        {
            using var document = JsonDocument.Parse(CheckpointFile.ReadAll(index));
            var shards = new SortedDictionary<string, HashSet<string>>(StringComparer.Ordinal);
            foreach (var tensor in document.RootElement.GetProperty("weight_map").EnumerateObject())
            {
                var file = tensor.Value.GetString() ?? "";
                RequireInside(index, file);
                if (!shards.TryGetValue(file, out var tensors))
                {
                    shards[file] = tensors = [];
                }

                tensors.Add(tensor.Name);
            }

            return [.. shards.Select(shard => new WeightShard(Existing(folder, index, shard.Key), isVision, shard.Value))];
        }
        catch (Exception cause) when (cause is IOException or JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new CheckpointException($"{index} must be a JSON object whose weight_map gives each tensor its file: {cause.Message}", cause);
        }
    }

    private static void RequireInside(string index, string file)
    {
        if (file is "" or "." or ".." || file.AsSpan().IndexOfAny("/\\:\0") >= 0)
        {
            throw new CheckpointException($"{index} names the file '{file}'; only plain names of files beside the index are allowed.");
        }
    }

    private static string Existing(string folder, string index, string file)
    {
        var path = Path.Combine(folder, file);
        return File.Exists(path) ? path : throw new CheckpointException($"{path} is missing, though {IndexFile} beside it names it ({index}). Is the download complete?");
    }
}
