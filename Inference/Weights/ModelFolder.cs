using System.Text.Json;

namespace Emu3.Inference.Weights;

/// <summary>
/// The files of one checkpoint, found but not read: one folder in the transformers layouts, a language and a vision folder in the original one.
/// Loads no native library, so any process may look at a checkpoint.
/// </summary>
public sealed record ModelFolder
{
    private ModelFolder() { }

    /// <summary>The name that requests use: the folder's, or the last part of <c>ORGANISATION/NAME</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Folder with <c>config.json</c>, the text tokenizer and the transformer's weights (transformers layouts: all weights).</summary>
    public required string Language { get; init; }

    /// <summary>Folder of the vision tokenizer: in the transformers layouts the same as <see cref="Language"/>.</summary>
    public required string Vision { get; init; }

    /// <summary>Whether this is the layout of baaivision/Emu3.</summary>
    public bool IsOriginal => Vision != Language;

    /// <summary>The weight files, absolute, in the order of their names; those of <see cref="Vision"/> last.</summary>
    public required IReadOnlyList<WeightShard> Shards { get; init; }

    /// <summary>Finds a checkpoint and all of its weight files.</summary>
    /// <param name="model">A folder, or <c>ORGANISATION/NAME</c> in the local Hugging Face cache.</param>
    /// <param name="vision">The same for the vision tokenizer: needed by the original layout, refused by the others, which hold it inside.</param>
    /// <exception cref="CheckpointException">Something is missing; the message says what, and where it was looked for.</exception>
    public static ModelFolder Open(string model, string? vision = null)
    {
        var (language, name) = Find(model);
        return IsTransformersLayout(language) switch
        {
            true when vision is not null => throw new CheckpointException(
                $"{language} holds its vision tokenizer itself: leave the vision folder ('{vision}') away."),
            true => new ModelFolder { Name = name, Language = language, Vision = language, Shards = WeightShards.Of(language, isVision: false) },
            false when vision is null => throw new CheckpointException(
                $"{language} has the original layout, whose vision tokenizer is a checkpoint of its own: name its folder too (--vision DIR, or Engine:Vision), for example BAAI/Emu3-VisionTokenizer."),
            false => OpenOriginal(name, language, Find(vision).Folder),
        };
    }

    private static ModelFolder OpenOriginal(string name, string language, string vision) =>
        vision == language
            ? throw new CheckpointException($"{vision} is given as the language and as the vision folder; they are two checkpoints.")
            : new ModelFolder
            {
                Name = name,
                Language = language,
                Vision = vision,
                Shards = [.. WeightShards.Of(language, isVision: false), .. WeightShards.Of(vision, isVision: true)],
            };

    private static (string Folder, string Name) Find(string model)
    {
        if (Directory.Exists(model))
        {
            var folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(model));
            return (folder, Path.GetFileName(folder));
        }

        return HuggingFaceCache.IsRepositoryName(model)
            ? (HuggingFaceCache.Find(model), model.Split('/')[1])
            : throw new CheckpointException($"There is no folder '{model}', and it is not of the form ORGANISATION/NAME either.");
    }

    /// <summary>transformers nests the decoder's fields in <c>text_config</c>; the original layout has them at the top.</summary>
    private static bool IsTransformersLayout(string folder)
    {
        var path = Path.Combine(folder, "config.json");
        try
        {
            using var config = JsonDocument.Parse(CheckpointFile.ReadAll(path));
            return config.RootElement.TryGetProperty("text_config", out _) || config.RootElement.TryGetProperty("vq_config", out _);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            throw new CheckpointException($"{path} can't be read: {cause.Message}", cause);
        }
    }
}
