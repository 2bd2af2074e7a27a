using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Emu3.Inference.Weights;

/// <summary>
/// The identity of a checkpoint, for caches and numeric classes. It covers the small files that decide what the model does (name, size, content) and every
/// weight file: up to 1 GiB of weights by their whole content, beyond that each file by its size, its first MiB (which holds the header's start)
/// and 64 blocks of 1 MiB spread evenly to its end. So a changed header, size or region is seen at once;
/// a single changed number in a large file may be missed, which is the price of not reading 34 GB at each start.
/// </summary>
public static class CheckpointHash
{
    private const long WholeLimit = 1L << 30;
    private const int BlockBytes = 1 << 20;
    private const int BlockCount = 64;

    private const string Processor = "processor_config.json";

    private static readonly string[] s_configuration =
    [
        "config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja",
        "chat_template.json", "emu3.tiktoken", "emu3_vision_tokens.txt",
    ];

    /// <summary>64 hex digits.</summary>
    public static string Compute(ModelFolder folder) => Compute(folder, WholeLimit);

    internal static string Compute(ModelFolder folder, long wholeLimit)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var path in new[] { folder.Language, folder.Vision }.Distinct().SelectMany(f => s_configuration.Select(name => Path.Combine(f, name))).Where(File.Exists))
        {
            Append(hash, path, whole: true);
        }

        // Only where it decides something: older checkpoints have one as well, with nothing in it but a class name.
        if (ConfigFile.ReadIfThere(folder.Vision, Processor).Has("image_processor"))
        {
            Append(hash, Path.Combine(folder.Vision, Processor), whole: true);
        }

        var whole = folder.Shards.Sum(shard => shard.ReadLength()) <= wholeLimit;
        foreach (var shard in folder.Shards)
        {
            Append(hash, shard.Path, whole);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, string path, bool whole)
    {
        using var file = File.OpenHandle(path, options: FileOptions.SequentialScan);
        var length = RandomAccess.GetLength(file);
        hash.AppendData(Encoding.UTF8.GetBytes(Path.GetFileName(path)));
        Span<byte> size = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(size, length);
        hash.AppendData(size);

        var buffer = new byte[BlockBytes];
        foreach (var offset in whole ? AllBlocks(length) : SpreadBlocks(length))
        {
            var count = RandomAccess.Read(file, buffer, offset);
            hash.AppendData(buffer, 0, count);
        }
    }

    private static IEnumerable<long> AllBlocks(long length)
    {
        for (long offset = 0; offset < length; offset += BlockBytes)
        {
            yield return offset;
        }
    }

    /// <summary>The first block, then <see cref="BlockCount"/> more whose last one ends with the file.</summary>
    private static IEnumerable<long> SpreadBlocks(long length) =>
        Enumerable.Range(0, BlockCount + 1).Select(i => (long)((Int128)Math.Max(0, length - BlockBytes) * i / BlockCount));
}
