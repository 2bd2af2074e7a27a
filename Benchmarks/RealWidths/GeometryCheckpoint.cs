using System.Text;
using System.Text.Json;

namespace Emu3.Benchmarks.RealWidths;

/// <summary>
/// A checkpoint of the real model's geometry with random numbers, in the original layout: all widths, the whole vocabulary and the whole vision tokenizer,
/// and as many layers as asked for. What it draws is noise; what it costs is real. Deleted on dispose.
/// </summary>
internal sealed class GeometryCheckpoint : IDisposable
{
    private const int Hidden = 4096, Intermediate = 14336, KeyWidth = 1024, TextCount = 151_643, VocabularySize = 184_622;
    private readonly DirectoryInfo folder;

    private GeometryCheckpoint(DirectoryInfo folder) => this.folder = folder;

    /// <summary>The folder with both.</summary>
    public string Root => folder.FullName;

    public string Language => Path.Combine(folder.FullName, "language");

    public string Vision => Path.Combine(folder.FullName, "vision");

    /// <summary>One that was made before.</summary>
    public static GeometryCheckpoint At(string root) => new(new DirectoryInfo(root));

    /// <summary>Makes one.</summary>
    /// <param name="parent">Where its folder is made: 3 GB and 0.44 GB a layer, and 1.1 GB of vision tokenizer.</param>
    /// <param name="layers">Of the decoder; the real one has 32.</param>
    /// <param name="cancellationToken">Gives up, and leaves nothing behind.</param>
    public static GeometryCheckpoint Make(string parent, int layers, CancellationToken cancellationToken = default)
    {
        var checkpoint = new GeometryCheckpoint(Directory.CreateDirectory(Path.Combine(parent, $"emu3-real-widths-{layers}-{Environment.ProcessId}")));
        try
        {
            checkpoint.Write(layers, cancellationToken);
            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    public void Dispose() => folder.Delete(recursive: true);

    private void Write(int layers, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Language);
        Directory.CreateDirectory(Vision);
        Write(Language, "config.json", new
        {
            vocab_size = VocabularySize,
            hidden_size = Hidden,
            intermediate_size = Intermediate,
            num_hidden_layers = layers,
            num_attention_heads = 32,
            num_key_value_heads = 8,
            max_position_embeddings = 9216,
            rope_theta = 1_000_000.0,
        });
        Write(Vision, "config.json", new { ch = 256, codebook_size = VisionTensors.CodebookSize });
        Write(Vision, "preprocessor_config.json", new { spatial_factor = 8 });
        File.WriteAllLines(Path.Combine(Language, "emu3.tiktoken"), Enumerable.Range(0, TextCount).Select(rank => $"{Convert.ToBase64String(Token(rank))} {rank}"));
        File.WriteAllLines(Path.Combine(Language, "emu3_vision_tokens.txt"), ["<|image token|>", "<|image start|>", "<|image end|>",
            .. Enumerable.Range(0, VisionTensors.CodebookSize).Select(i => $"<|visual token {i:000000}|>")]);
        SafetensorsWriter.Write(Path.Combine(Vision, "model.safetensors"), [.. VisionTensors.All()], isBFloat16: false, seed: 1, cancellationToken);
        SafetensorsWriter.Write(Path.Combine(Language, "model.safetensors"), [.. LanguageTensors(layers)], isBFloat16: true, seed: 2, cancellationToken);
    }

    internal static IEnumerable<RandomTensor> LanguageTensors(int layers)
    {
        yield return new("model.embed_tokens.weight", [VocabularySize, Hidden], 0.035f);
        for (var layer = 0; layer < layers; layer++)
        {
            var name = $"model.layers.{layer}.";
            yield return new($"{name}input_layernorm.weight", [Hidden], 0.1f, 1);
            yield return new($"{name}self_attn.q_proj.weight", [Hidden, Hidden], 0.035f);
            yield return new($"{name}self_attn.k_proj.weight", [KeyWidth, Hidden], 0.035f);
            yield return new($"{name}self_attn.v_proj.weight", [KeyWidth, Hidden], 0.035f);
            yield return new($"{name}self_attn.o_proj.weight", [Hidden, Hidden], 0.035f);
            yield return new($"{name}post_attention_layernorm.weight", [Hidden], 0.1f, 1);
            yield return new($"{name}mlp.gate_proj.weight", [Intermediate, Hidden], 0.035f);
            yield return new($"{name}mlp.up_proj.weight", [Intermediate, Hidden], 0.035f);
            yield return new($"{name}mlp.down_proj.weight", [Hidden, Intermediate], 0.035f);
        }
        yield return new("model.norm.weight", [Hidden], 0.1f, 1);
        yield return new("lm_head.weight", [VocabularySize, Hidden], 0.035f);
    }

    /// <summary>The bytes themselves, then strings of letters, none twice.</summary>
    private static byte[] Token(int rank) => rank < 256 ? [(byte)rank] : Encoding.ASCII.GetBytes(Spelling(rank - 256));

    private static string Spelling(int number)
    {
        var letters = new StringBuilder();
        for (; letters.Length < 4; number /= 26)
            letters.Append((char)('a' + number % 26));
        return letters.ToString();
    }

    private static void Write(string parent, string name, object content) => File.WriteAllText(Path.Combine(parent, name), JsonSerializer.Serialize(content));
}
