using System.Text.Json.Nodes;
using Emu3.Inference.Tokens;
using Emu3.Inference.Weights;
using Emu3.Tests.Unit.Inference.Weights;

namespace Emu3.Tests.Unit.Inference.Tokens;

[Trait("Suite", "Fast")]
public sealed class TokenizerFilesTests : IDisposable
{
    private const string QwenSplit =
        """{"type":"Split","pattern":{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"behavior":"Isolated","invert":false}""";

    private readonly SmallCheckpoint checkpoint = new();

    public void Dispose() => checkpoint.Dispose();

    [Fact]
    public void Load_QwenSplitAndNfc_AreFollowed()
    {
        checkpoint.Tokenizer["normalizer"] = JsonNode.Parse("""{"type":"NFC"}""");
        checkpoint.Tokenizer["pre_tokenizer"] = JsonNode.Parse($$"""{"type":"Sequence","pretokenizers":[{{QwenSplit}},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}""");
        checkpoint.Tokenizer["model"]!["vocab"]!["ab"] = 500;
        checkpoint.Tokenizer["model"]!["vocab"]![".a"] = 501;
        checkpoint.Tokenizer["model"]!["merges"] = new JsonArray(". a", "a b");
        var tokenizer = Load();
        Assert.Equal(tokenizer.Encode("é"), tokenizer.Encode("e\u0301"));

        // Only Qwen's pattern leaves the period with the letter, and ". a" is the more important merge.
        Assert.Equal([501], tokenizer.Encode(".a"));
        Assert.Equal([501, 'b' - '!'], tokenizer.Encode(".ab"));
    }

    /// <summary>The library reads merges from lines, where '#' could begin a comment.</summary>
    [Fact]
    public void Load_MergesOfAnyBytes_AreFollowed()
    {
        var vocabulary = checkpoint.Tokenizer["model"]!["vocab"]!.AsObject();
        string[] letters = [.. vocabulary.Select(token => token.Key)];
        var merges = new JsonArray();
        foreach (var letter in letters)
        {
            vocabulary[letter + letter] = 1000 + vocabulary.Count;
            merges.Add(new JsonArray(letter, letter));
        }

        checkpoint.Tokenizer["model"]!["merges"] = merges;
        var tokenizer = Load();
        foreach (var letter in letters)
        {
            // Printable ASCII, of which pairs stay in one piece.
            if (letter[0] is > ' ' and < '\u007f')
            {
                Assert.Equal([vocabulary[letter + letter]!.GetValue<int>()], tokenizer.Encode(letter + letter));
            }
        }
    }

    [Theory]
    [InlineData("pre_tokenizer", """{"type":"Whitespace"}""", "pre_tokenizer.type", "Whitespace")]
    [InlineData("pre_tokenizer", """{"type":"ByteLevel","add_prefix_space":true}""", "pre_tokenizer.add_prefix_space", "true")]
    [InlineData("pre_tokenizer", """{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}""", "pre_tokenizer", "use_regex")]
    [InlineData("pre_tokenizer", "null", "pre_tokenizer", "null")]
    [InlineData("pre_tokenizer", """{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\d+"},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}""", "pre_tokenizer.pattern", @"\d+")]
    [InlineData("normalizer", """{"type":"NFKC"}""", "normalizer.type", "NFKC")]
    public void Load_StepThatIsNotKnown_IsRefusedByName(string field, string value, string named, string why)
    {
        checkpoint.Tokenizer[field] = JsonNode.Parse(value);
        RequireRefusal(named, why);
    }

    [Theory]
    [InlineData("type", "\"WordPiece\"", "model.type", "WordPiece")]
    [InlineData("byte_fallback", "true", "model.byte_fallback", "true")]
    [InlineData("ignore_merges", "true", "model.ignore_merges", "true")]
    [InlineData("dropout", "0.1", "model.dropout", "0.1")]
    [InlineData("continuing_subword_prefix", "\"##\"", "model.continuing_subword_prefix", "##")]
    [InlineData("merges", "[\"a b c\"]", "tokenizer.json", "a b c")]
    [InlineData("merges", "7", "tokenizer.json", "can't be read")]
    public void Load_ModelThatIsNotKnown_IsRefusedByName(string field, string value, string named, string why)
    {
        checkpoint.Tokenizer["model"]![field] = JsonNode.Parse(value);
        RequireRefusal(named, why);
    }

    [Fact]
    public void Load_ByteWithoutAToken_IsRefused()
    {
        checkpoint.Tokenizer["model"]!["vocab"]!.AsObject().Remove("a");
        RequireRefusal("tokenizer.json", "0x61");
    }

    [Fact]
    public void Load_CharacterThatStandsForNoByte_IsRefused()
    {
        checkpoint.Tokenizer["model"]!["vocab"]!["中"] = 500;
        RequireRefusal("tokenizer.json", "'中'");
    }

    [Fact]
    public void Tokens_ByTheCheckpointsOwnSpellings()
    {
        checkpoint.Write("tokenizer_config.json", """{"bos_token":{"content":"<|endoftext|>"},"eos_token":"<|extra_203|>"}""");
        checkpoint.Write("tokenizer.json", checkpoint.Tokenizer);
        var special = SpecialVocabulary.Read(checkpoint.Folder);
        var tokens = special.Tokens(codebookSize: 4, vocabularySize: 600);
        Assert.Equal(special.Ids["<|endoftext|>"], tokens.BeginOfSequence);
        Assert.Equal(special.Ids["<|extra_203|>"], tokens.EndOfSequence);
        Assert.Equal(special.Ids["<|visual token 000000|>"], tokens.FirstVisual);
        Assert.True(tokens.IsVisual(tokens.FirstVisual + 3) && !tokens.IsVisual(tokens.FirstVisual + 4) && !tokens.IsVisual(tokens.FirstVisual - 1));
    }

    [Theory]
    [InlineData(5, 600, "<|visual token 000004|>")]
    [InlineData(3, 600, "more visual tokens than the 3")]
    [InlineData(4, 200, "200 ids")]
    public void Tokens_OtherSizesThanTheConfigurationSays_AreRefused(int codebookSize, int vocabularySize, string why) =>
        RequireTokensRefusal(codebookSize, vocabularySize, why);

    [Fact]
    public void Tokens_VisualTokensOutOfOrder_AreRefused()
    {
        var added = checkpoint.Tokenizer["added_tokens"]!.AsArray();
        (added[^1]!["id"], added[^2]!["id"]) = (added[^2]!["id"]!.GetValue<int>(), added[^1]!["id"]!.GetValue<int>());
        RequireTokensRefusal(4, 600, "must follow one another");
    }

    [Fact]
    public void Tokens_ControlTokenMissing_IsNamed()
    {
        checkpoint.Tokenizer["added_tokens"]![1]!["content"] = "<|other|>";
        RequireTokensRefusal(4, 600, "no token <|extra_200|>");
    }

    [Theory]
    [InlineData("IQ== 0\nnot-base64! 1\n", "line 2")]
    [InlineData("IQ== 0\nIg== 2\n", "the rank 1")]
    [InlineData("IQ==\n", "line 1")]
    [InlineData("IQ== 0\n", "0x00")]
    public void Load_BrokenTiktokenFile_IsRefusedByLine(string content, string why)
    {
        using var language = new TemporaryFolder();
        using var vision = new TemporaryFolder();
        language.Write("config.json", "{}");
        language.Write("model.safetensors", SafetensorsBytes.Of());
        vision.Write("model.safetensors", SafetensorsBytes.Of());
        language.Write("emu3.tiktoken", content);
        var error = Assert.Throws<CheckpointException>(() => TextTokenizer.Load(ModelFolder.Open(language.Path, vision.Path)));
        Assert.Contains("emu3.tiktoken", error.Message, StringComparison.Ordinal);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    private TextTokenizer Load()
    {
        checkpoint.Write("tokenizer.json", checkpoint.Tokenizer);
        return TextTokenizer.Load(checkpoint.Folder);
    }

    private void RequireRefusal(string named, string why)
    {
        var error = Assert.Throws<CheckpointException>(() => Load());
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    private void RequireTokensRefusal(int codebookSize, int vocabularySize, string why)
    {
        checkpoint.Write("tokenizer.json", checkpoint.Tokenizer);
        var special = SpecialVocabulary.Read(checkpoint.Folder);
        var error = Assert.Throws<CheckpointException>(() => special.Tokens(codebookSize, vocabularySize));
        Assert.Contains("tokenizer.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }
}
