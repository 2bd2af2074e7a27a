using System.Globalization;
using Emu3.Inference.Weights;

namespace Emu3.Inference.Tokens;

/// <summary>
/// The special tokens of a checkpoint's vocabulary: spelling → id. They are looked up by spelling and never by a fixed number, and they never come out of text.
/// </summary>
public sealed class SpecialVocabulary
{
    private const int ExtraCount = 205; // emu3/mllm/tokenization_emu3.py, EXTRAS

    private readonly string source;
    private readonly IReadOnlyDictionary<string, int> ids;
    private readonly ConfigFile spellings;

    private SpecialVocabulary(string source, IReadOnlyDictionary<string, int> ids, ConfigFile spellings)
    {
        this.source = source;
        this.ids = ids;
        this.spellings = spellings;
    }

    /// <summary>Spelling → id.</summary>
    public IReadOnlyDictionary<string, int> Ids => ids;

    /// <exception cref="CheckpointException">A file is missing or not what it should be.</exception>
    public static SpecialVocabulary Read(ModelFolder folder)
    {
        var spellings = ConfigFile.ReadIfThere(folder.Language, "tokenizer_config.json");
        return folder.IsOriginal
            ? new SpecialVocabulary(Path.Combine(folder.Language, TiktokenFile.VisionName), Original(folder.Language), spellings)
            : new SpecialVocabulary(Path.Combine(folder.Language, TokenizerJson.Name), TokenizerJson.Read(folder.Language).AddedTokens, spellings);
    }

    /// <summary>The tokens that the engine needs.</summary>
    /// <param name="codebookSize">Visual tokens that there must be.</param>
    /// <param name="vocabularySize">Rows of the embedding: every id must be below.</param>
    /// <exception cref="CheckpointException">A token is missing, out of range, or the visual ones are not contiguous in codebook order.</exception>
    public SpecialTokens Tokens(int codebookSize, int vocabularySize)
    {
        var first = Id(Visual(0));
        for (var i = 0; i < codebookSize; i++)
        {
            if (Id(Visual(i)) is var id && id != first + i)
            {
                throw new CheckpointException($"{source}: {Visual(i)} has the id {id}; visual tokens must follow one another, so it must be {first + i}.");
            }
        }

        if (ids.ContainsKey(Visual(codebookSize)))
        {
            throw new CheckpointException($"{source} has more visual tokens than the {codebookSize} entries of the codebook: {Visual(codebookSize)} is there too.");
        }

        if (ids.MaxBy(token => token.Value) is var last && last.Value >= vocabularySize)
        {
            throw new CheckpointException($"{source}: {last.Key} has the id {last.Value}, but config.json says that the vocabulary has {vocabularySize} ids.");
        }

        return new SpecialTokens
        {
            BeginOfSequence = Id(Spelling("bos_token", "<|extra_203|>")),
            EndOfSequence = Id(Spelling("eos_token", "<|extra_204|>")),
            Padding = Id(Spelling("pad_token", "<|endoftext|>")),
            BeginOfImage = Id(Spelling("boi_token", "<|image start|>")),
            EndOfImage = Id(Spelling("eoi_token", "<|image end|>")),
            Image = Id(Spelling("image_wrapper_token", Spelling("img_token", "<|image token|>"))),
            EndOfLine = Id(Spelling("eol_token", "<|extra_200|>")),
            EndOfFrame = Id(Spelling("eof_token", "<|extra_201|>")),
            FirstVisual = first,
            VisualCount = codebookSize,
        };
    }

    /// <summary>
    /// How the checkpoint spells a token. Tokens that only this model has may stand in an object of their own: <c>model_specific_special_tokens</c> since
    /// transformers 5, where <c>extra_special_tokens</c> is a list of others, and <c>extra_special_tokens</c> before.
    /// </summary>
    private string Spelling(string name, string otherwise) => spellings.TokenText(
        name, spellings.SectionIfObject("model_specific_special_tokens").TokenText(name, spellings.SectionIfObject("extra_special_tokens").TokenText(name, otherwise)));

    private int Id(string spelling) => ids.TryGetValue(spelling, out var id) ? id : throw new CheckpointException($"{source} has no token {spelling}.");

    private static string Visual(int index) => string.Create(CultureInfo.InvariantCulture, $"<|visual token {index:000000}|>");

    /// <summary>The original layout numbers its special tokens from the number of text tokens on: three, the extras, then the lines of the vision file.</summary>
    private static Dictionary<string, int> Original(string folder)
    {
        var textTokens = TiktokenFile.Read(folder).Count;
        var vision = TiktokenFile.ReadVisionTokens(folder);
        var ids = new Dictionary<string, int>();
        string[] spellings =
        [
            "<|endoftext|>", "<|im_start|>", "<|im_end|>",
            .. Enumerable.Range(0, ExtraCount).Select(i => string.Create(CultureInfo.InvariantCulture, $"<|extra_{i}|>")), .. vision,
        ];
        foreach (var spelling in spellings)
        {
            if (!ids.TryAdd(spelling, textTokens + ids.Count))
            {
                throw new CheckpointException($"{Path.Combine(folder, TiktokenFile.VisionName)} has the token {spelling} twice.");
            }
        }

        return ids;
    }
}
