using Emu3.Inference.Model;
using Emu3.Inference.Tokens;
using Emu3.Inference.Weights;

namespace Emu3.Tests.Unit.Inference.Tokens;

/// <summary>Both kinds of tokenizer, of one small checkpoint in both layouts, loaded once.</summary>
internal sealed record FixtureTokenizers(TextTokenizer Tokenizer, SpecialVocabulary Special, SpecialTokens Tokens, PromptTemplate Prompts)
{
    private static readonly string s_fixture = Repository.PathTo("Tests", "Golden", "fixtures", "tiny-a");

    public static FixtureTokenizers Hub { get; } = From(ModelFolder.Open(Path.Combine(s_fixture, "checkpoint")));

    public static FixtureTokenizers Original { get; } = From(
        ModelFolder.Open(Path.Combine(s_fixture, "checkpoint-original", "language"), Path.Combine(s_fixture, "checkpoint-original", "vision")));

    public static FixtureTokenizers Of(bool original) => original ? Original : Hub;

    private static FixtureTokenizers From(ModelFolder folder)
    {
        var tokenizer = TextTokenizer.Load(folder);
        var tokens = ConfigReader.Read(folder).Tokens;
        return new FixtureTokenizers(tokenizer, SpecialVocabulary.Read(folder), tokens, new PromptTemplate(tokenizer, tokens, ChatTemplate.Read(folder)));
    }
}
