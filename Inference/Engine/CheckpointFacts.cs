using Emu3.Inference.Model;
using Emu3.Inference.Tokens;
using Emu3.Inference.Weights;

namespace Emu3.Inference.Engine;

/// <summary>
/// What a checkpoint is, from its files alone: no weights are loaded and no native library, so that a process without a device can tell what a device
/// elsewhere will run.
/// </summary>
public static class CheckpointFacts
{
    /// <summary>Reads them. Takes as long as hashing the weights does (<see cref="CheckpointHash"/>).</summary>
    /// <param name="model">A folder, or <c>ORGANISATION/NAME</c> in the local Hugging Face cache.</param>
    /// <param name="vision">The same for the vision tokenizer, where the checkpoint has the original layout.</param>
    /// <exception cref="CheckpointException">The checkpoint is broken.</exception>
    public static ModelFacts Read(string model, string? vision)
    {
        var folder = ModelFolder.Open(model, vision);
        var config = ConfigReader.Read(folder);
        var prompts = new PromptTemplate(TextTokenizer.Load(folder), config.Tokens, ChatTemplate.Read(folder));
        return Describe(folder, config, prompts, CheckpointHash.Compute(folder), config.Transformer.MaxPositions);
    }

    /// <summary>Reads all of a checkpoint but the weights themselves: configuration, tokenizer, template, and the headers of its weight files.</summary>
    /// <exception cref="CheckpointException">Something is wrong with it; the message names the file.</exception>
    public static void Inspect(ModelFolder folder)
    {
        _ = ConfigReader.Read(folder);
        _ = TextTokenizer.Load(folder);
        _ = ChatTemplate.Read(folder);
        foreach (var shard in folder.Shards)
        {
            _ = SafetensorsHeader.Read(shard.Path);
        }
    }

    /// <summary>The facts of files that were read already.</summary>
    /// <param name="folder">Where they are.</param>
    /// <param name="config">What the configuration says.</param>
    /// <param name="prompts">The templates.</param>
    /// <param name="weightsHash">Of the checkpoint.</param>
    /// <param name="positions">Of a sequence at most.</param>
    internal static ModelFacts Describe(ModelFolder folder, Emu3Config config, PromptTemplate prompts, string weightsHash, int positions) => new()
    {
        Name = folder.Name,
        WeightsHash = weightsHash,
        CanDraw = true,
        CanChat = prompts.CanChat,
        SpatialFactor = config.Vision.SpatialFactor,
        ImageArea = config.ImageArea,
        MaxPositions = positions,
        CodebookSize = config.Vision.CodebookSize,
        ImageDefaults = config.ImageDefaults,
    };
}
