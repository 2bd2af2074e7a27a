using System.Text.Json;
using Emu3.Inference;
using Emu3.Inference.Model;
using Emu3.Inference.Tokens;
using Emu3.Inference.Weights;

namespace Emu3.Tests.Golden;

[Trait("Suite", "Golden")]
public sealed class TokenizerTests
{
    [Theory]
    [MemberData(nameof(GoldenFolder.Paths), MemberType = typeof(GoldenFolder))]
    public void Tokenizer_OfTheHubLayout_GivesTheReferencesIds(string path)
    {
        var golden = GoldenFolder.Open(path);
        RequireIds(TextTokenizer.Load(golden.Checkpoint), golden.Cases);
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(GoldenFolder.OriginalPaths), MemberType = typeof(GoldenFolder))]
    public void Tokenizer_OfTheOriginalLayout_GivesTheReferencesIds(string path)
    {
        var golden = GoldenFolder.Open(path);
        RequireIds(TextTokenizer.Load(golden.CheckpointOriginal), golden.Original!.Value);
    }

    [Theory]
    [MemberData(nameof(GoldenFolder.Paths), MemberType = typeof(GoldenFolder))]
    public void ImagePrompt_GivesTheReferencesIds(string path)
    {
        var golden = GoldenFolder.Open(path);
        var prompts = Prompts(golden.Checkpoint);
        Assert.All(golden.Cases.Each("generation_prompts"), @case =>
        {
            var size = @case.Integers("size");
            Assert.Equal(@case.Integers("ids"), prompts.Image(@case.Text("text"), size[0], size[1]));
        });
        RequireImagePrompts(prompts, golden.Cases);
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(GoldenFolder.OriginalPaths), MemberType = typeof(GoldenFolder))]
    public void ImagePrompt_OfTheOriginalLayout_GivesTheReferencesIds(string path)
    {
        var golden = GoldenFolder.Open(path);
        RequireImagePrompts(Prompts(golden.CheckpointOriginal), golden.Original!.Value);
    }

    [Theory]
    [MemberData(nameof(GoldenFolder.Paths), MemberType = typeof(GoldenFolder))]
    public void ChatPrompt_GivesTheReferencesSequence(string path)
    {
        var golden = GoldenFolder.Open(path);
        RequireChats(golden, golden.Checkpoint, golden.Cases, @case => [.. @case.Each("files").Select(file => file.GetString()!)]);
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(GoldenFolder.OriginalPaths), MemberType = typeof(GoldenFolder))]
    public void ChatPrompt_OfTheOriginalLayout_GivesTheReferencesSequence(string path)
    {
        var golden = GoldenFolder.Open(path);
        RequireChats(golden, golden.CheckpointOriginal, golden.Original!.Value, @case => [@case.Text("file")]);
    }

    private static void RequireIds(TextTokenizer tokenizer, JsonElement cases)
    {
        Assert.All(cases.Each("tokenizer"), @case =>
        {
            var ids = tokenizer.Encode(@case.Text("text"));
            Assert.Equal(@case.Integers("ids"), ids);
            Assert.Equal(@case.Text("decoded"), tokenizer.Decode([.. ids]));
        });
    }

    private static void RequireImagePrompts(PromptTemplate prompts, JsonElement cases) =>
        Assert.All(cases.Each("image_generation"), @case =>
        {
            var size = @case.Integers("size");
            Assert.Equal(@case.Integers("prompt"), prompts.Image(@case.Text("text"), size[0], size[1]));
        });

    /// <summary>The sequence with the reference's codes in place, and the answer's text from its tokens, at once and one by one.</summary>
    private static void RequireChats(GoldenFolder golden, ModelFolder checkpoint, JsonElement cases, Func<JsonElement, string[]> files)
    {
        var tokenizer = TextTokenizer.Load(checkpoint);
        var prompts = Prompts(checkpoint);
        Assert.All(cases.Each("chat"), @case =>
        {
            PictureCodes[] pictures = [.. files(@case).Select(file => Codes(golden, file))];
            ChatMessage[] messages =
            [
                new(ChatRole.User, [.. pictures.Select(_ => new ChatPart.Picture(default)), new ChatPart.Text(@case.Text("question"))]),
            ];
            var prompt = prompts.Build(messages, pictures);
            Assert.Equal(@case.Integers("sequence"), prompt.Ids);
            Assert.Equal(new ChatPromptLength(prompt.Ids.Length, prompt.PictureTokenCount), prompts.Measure(messages, [.. pictures.Select(p => (p.LatentHeight, p.LatentWidth))]));

            var answer = @case.Integers("ids");
            var decoder = new StreamingDecoder(tokenizer);
            Assert.Equal(@case.Text("text"), tokenizer.Decode(answer));
            Assert.Equal(@case.Text("text"), string.Concat(answer.Select(decoder.Push)) + decoder.Flush());
        });
    }

    private static PictureCodes Codes(GoldenFolder golden, string file)
    {
        var picture = golden.Cases.Each("images").First(image => image.Text("file") == file);
        var codes = golden.Tensor(picture, "codes");
        return new PictureCodes((int)codes.Shape[0], (int)codes.Shape[1], codes.Integers);
    }

    private static PromptTemplate Prompts(ModelFolder checkpoint) =>
        new(TextTokenizer.Load(checkpoint), ConfigReader.Read(checkpoint).Tokens, ChatTemplate.Read(checkpoint));
}
