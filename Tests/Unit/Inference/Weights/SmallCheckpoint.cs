using System.Text.Json.Nodes;
using Emu3.Inference.Weights;

namespace Emu3.Tests.Unit.Inference.Weights;

/// <summary>
/// The least that is a checkpoint in a transformers layout: four visual tokens, a token for each byte, two weights. Tests change a field or a file and look what happens.
/// </summary>
internal sealed class SmallCheckpoint : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public SmallCheckpoint()
    {
        Write("config.json", Config);
        Write("preprocessor_config.json", Preprocessor);
        Write("tokenizer.json", Tokenizer);
        folder.Write("model.safetensors", SafetensorsBytes.Of(
            ("text_model.model.norm.weight", [4], [1, 2, 3, 4]), ("vqmodel.encoder.conv_in.bias", [2], [5, 6])));
    }

    public string Path => folder.Path;

    public ModelFolder Folder => ModelFolder.Open(Path);

    public JsonObject Config { get; } = new()
    {
        ["text_config"] = new JsonObject { ["vocab_size"] = 600 },
        ["vq_config"] = new JsonObject { ["codebook_size"] = 4 },
    };

    public JsonObject Preprocessor { get; } = [];

    public JsonObject Tokenizer { get; } = BuildTokenizer(visualCount: 4);

    /// <summary>A tokenizer of bytes without merges, the special tokens behind them.</summary>
    public static JsonObject BuildTokenizer(int visualCount)
    {
        string[] special =
        [
            "<|endoftext|>", "<|extra_200|>", "<|extra_201|>", "<|extra_203|>", "<|extra_204|>", "<|image token|>", "<|image start|>", "<|image end|>",
            .. Enumerable.Range(0, visualCount).Select(i => $"<|visual token {i:000000}|>"),
        ];
        var printable = Enumerable.Range(0, 256).Where(b => b is >= '!' and <= '~' or >= 0xa1 and <= 0xac or >= 0xae).Select(b => (char)b);
        string[] bytes = [.. printable.Concat(Enumerable.Range(0x100, 68).Select(c => (char)c)).Select(c => $"{c}")];
        return new JsonObject
        {
            ["added_tokens"] = new JsonArray([.. special.Select((text, i) => new JsonObject { ["id"] = 256 + i, ["content"] = text, ["special"] = true })]),
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = true },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = new JsonObject(bytes.Select((text, i) => KeyValuePair.Create(text, (JsonNode?)i))),
                ["merges"] = new JsonArray(),
            },
        };
    }

    public void Write(string name, JsonObject content) => folder.Write(name, content.ToJsonString());

    public void Write(string name, string content) => folder.Write(name, content);

    public void Write(string name, byte[] content) => folder.Write(name, content);

    public void Delete(string name) => File.Delete(System.IO.Path.Combine(Path, name));

    public void Dispose() => folder.Dispose();
}
