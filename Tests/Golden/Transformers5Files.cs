using System.Text.Json.Nodes;

namespace Emu3.Tests.Golden;

/// <summary>Rewrites the small files of a checkpoint as transformers 5 saves them.</summary>
internal static class Transformers5Files
{
    /// <summary>
    /// <c>processor_config.json</c> in the place of <c>preprocessor_config.json</c>, with areas under new names; <c>rope_parameters</c>; tied embeddings said at the top; the
    /// model's own tokens in an object of their own; no <c>special_tokens_map.json</c>, <c>vocab.json</c>, <c>merges.txt</c>.
    /// </summary>
    public static void Rewrite(string folder)
    {
        Change("config.json", config =>
        {
            var text = config["text_config"]!.AsObject();
            text["rope_parameters"] = new JsonObject { ["rope_theta"] = text["rope_theta"]!.DeepClone(), ["rope_type"] = "default" };
            config["tie_word_embeddings"] = text["tie_word_embeddings"]?.DeepClone() ?? false;
            foreach (var old in (string[])["rope_theta", "rope_scaling", "tie_word_embeddings"]) text.Remove(old);
            config["transformers_version"] = "5.0.0";
        });

        var pictures = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "preprocessor_config.json")))!.AsObject();
        pictures["size"] = new JsonObject { ["longest_edge"] = pictures["max_pixels"]!.DeepClone(), ["shortest_edge"] = pictures["min_pixels"]!.DeepClone() };
        foreach (var old in (string[])["min_pixels", "max_pixels", "processor_class"]) pictures.Remove(old);
        File.WriteAllText(Path.Combine(folder, "processor_config.json"), new JsonObject { ["image_processor"] = pictures, ["processor_class"] = "Emu3Processor" }.ToJsonString());

        Change("tokenizer_config.json", tokenizer =>
        {
            var own = tokenizer["extra_special_tokens"]!.AsObject();
            foreach (var (name, _) in own) tokenizer.Remove(name);
            tokenizer.Remove("added_tokens_decoder");
            tokenizer["model_specific_special_tokens"] = own.DeepClone();
            tokenizer["extra_special_tokens"] = new JsonArray("<image>");
            (tokenizer["backend"], tokenizer["tokenizer_class"]) = ("tokenizers", "TokenizersBackend");
        });
        foreach (var old in (string[])["preprocessor_config.json", "special_tokens_map.json", "vocab.json", "merges.txt"]) File.Delete(Path.Combine(folder, old));

        void Change(string name, Action<JsonObject> change)
        {
            var path = Path.Combine(folder, name);
            var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
            change(json);
            File.WriteAllText(path, json.ToJsonString());
        }
    }
}
