using Emu3.Inference;
using Emu3.Inference.Tokens;
using Emu3.Inference.Weights;
using Emu3.Tests.Unit.Inference.Weights;

namespace Emu3.Tests.Unit.Inference.Tokens;

[Trait("Suite", "Fast")]
public sealed class PromptTemplateTests
{
    private const string Released =
        "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% endif %}{# Render all images first #}{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>' }}{% endfor %}{# Render all text next #}{% if message['role'] != 'assistant' %}{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ content['text'] + ' '}}{% endfor %}{% else %}{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{% generation %}{{ content['text'] + ' '}}{% endgeneration %}{% endfor %}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}";

    private static readonly ChatMessage[] s_conversation =
    [
        new(ChatRole.User, [new ChatPart.Text("What is"), new ChatPart.Picture(default), new ChatPart.Text("it?")]),
        new(ChatRole.Assistant, [new ChatPart.Text("A star.")]),
        new(ChatRole.User, [new ChatPart.Text("Sure?"), new ChatPart.Picture(default)]),
    ];

    [Theory]
    [InlineData(false, "You are a helpful assistant. USER: ", "What is it? ASSISTANT: A star. USER: ", "Sure? ASSISTANT:")]
    [InlineData(true, "You are a helpful assistant. USER: ", "What is it?. ASSISTANT: A star. USER: ", "Sure?. ASSISTANT:")]
    public void Build_SeveralTurns_PutsEachPictureBeforeItsTurnsText(bool original, string first, string second, string third)
    {
        var (tokenizer, _, tokens, prompts) = FixtureTokenizers.Of(original);
        var prompt = prompts.Build(s_conversation, [new(1, 2, [3, 4]), new(2, 1, [5, 6])]);
        int[] onePicture = [tokens.BeginOfImage, .. tokenizer.Encode("1*2"), tokens.Image, tokens.FirstVisual + 3, tokens.FirstVisual + 4, tokens.EndOfLine, tokens.EndOfFrame, tokens.EndOfImage];
        int[] another = [tokens.BeginOfImage, .. tokenizer.Encode("2*1"), tokens.Image, tokens.FirstVisual + 5, tokens.EndOfLine, tokens.FirstVisual + 6, tokens.EndOfLine, tokens.EndOfFrame, tokens.EndOfImage];
        Assert.Equal(
            [tokens.BeginOfSequence, .. tokenizer.Encode(first), .. onePicture, .. tokenizer.Encode(second), .. another, .. tokenizer.Encode(third)], prompt.Ids);
        Assert.Equal(onePicture.Length + another.Length, prompt.PictureTokenCount);
        Assert.Equal(new ChatPromptLength(prompt.Ids.Length, prompt.PictureTokenCount), prompts.Measure(s_conversation, [(1, 2), (2, 1)]));
    }

    [Fact]
    public void Build_SystemMessage_TakesTheDefaultsPlace()
    {
        var (tokenizer, _, tokens, prompts) = FixtureTokenizers.Hub;
        var prompt = prompts.Build([new(ChatRole.System, [new ChatPart.Text("Be brief.")]), new(ChatRole.User, [new ChatPart.Text("Hi")])], []);
        Assert.Equal([tokens.BeginOfSequence, .. tokenizer.Encode("Be brief. USER: Hi ASSISTANT:")], prompt.Ids);
    }

    [Theory]
    [InlineData("user,user", "You are a helpful assistant. USER: 0 USER: 1 ASSISTANT:")]
    [InlineData("system,system,user", "0 1 USER: 2 ASSISTANT:")]
    [InlineData("assistant,user", "You are a helpful assistant. ASSISTANT: 0 USER: 1 ASSISTANT:")]
    [InlineData("user,system,user", "USER: 0 1 USER: 2 ASSISTANT:")]
    [InlineData("user,assistant", "You are a helpful assistant. USER: 0 ASSISTANT: 1 ASSISTANT:")]
    [InlineData("system", "0 ASSISTANT:")]
    public void Build_RolesInAnyOrder_AreRenderedAsTheTemplateDoes(string roles, string rendered)
    {
        var (tokenizer, _, tokens, prompts) = FixtureTokenizers.Hub;
        ChatMessage[] messages = [.. roles.Split(',').Select((role, i) => new ChatMessage(Enum.Parse<ChatRole>(role, ignoreCase: true), [new ChatPart.Text($"{i}")]))];
        Assert.Equal([tokens.BeginOfSequence, .. tokenizer.Encode(rendered)], prompts.Build(messages, []).Ids);
    }

    [Fact]
    public void Build_OtherNumberOfPictures_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => FixtureTokenizers.Hub.Prompts.Build(s_conversation, [new(1, 1, [0])]));
        Assert.Throws<ArgumentException>(() => FixtureTokenizers.Hub.Prompts.Measure(s_conversation, []));
    }

    [Theory]
    [InlineData(1, 2, new[] { 1 })]
    [InlineData(1, 1, new[] { 64 })]
    [InlineData(1, 1, new[] { -1 })]
    [InlineData(0, 1, new int[0])]
    public void Build_CodesThatAreNoPicture_AreRefused(int height, int width, int[] codes)
    {
        ChatMessage[] messages = [new(ChatRole.User, [new ChatPart.Picture(default)])];
        Assert.ThrowsAny<ArgumentException>(() => FixtureTokenizers.Hub.Prompts.Build(messages, [new(height, width, codes)]));
    }

    [Theory]
    [InlineData("chat_template.jinja")]
    [InlineData("chat_template.json")]
    [InlineData("tokenizer_config.json")]
    public void Read_ReleasedTemplate_IsRecognizedWhereverItLies(string name)
    {
        using var checkpoint = new SmallCheckpoint();
        Write(checkpoint, name, Released);
        Assert.NotNull(ChatTemplate.Read(checkpoint.Folder));
        Write(checkpoint, name, Released.Replace("{% endfor %}", "{%  endfor%}", StringComparison.Ordinal));
        Assert.NotNull(ChatTemplate.Read(checkpoint.Folder));
    }

    [Fact]
    public void Read_SeveralNamedTemplates_TheDefaultCounts()
    {
        using var checkpoint = new SmallCheckpoint();
        System.Text.Json.Nodes.JsonObject Named(string name, string template) => new() { ["name"] = name, ["template"] = template };
        checkpoint.Write("tokenizer_config.json", new System.Text.Json.Nodes.JsonObject { ["chat_template"] = new System.Text.Json.Nodes.JsonArray(Named("tools", "x"), Named("default", Released)) });
        Assert.NotNull(ChatTemplate.Read(checkpoint.Folder));
        checkpoint.Write("tokenizer_config.json", new System.Text.Json.Nodes.JsonObject { ["chat_template"] = new System.Text.Json.Nodes.JsonArray(Named("tools", Released)) });
        Assert.Throws<CheckpointException>(() => ChatTemplate.Read(checkpoint.Folder));
    }

    [Theory]
    [InlineData("chat_template.jinja")]
    [InlineData("chat_template.json")]
    public void Read_AnotherTemplate_IsRefusedByFile(string name)
    {
        using var checkpoint = new SmallCheckpoint();
        Write(checkpoint, name, Released.Replace("ASSISTANT:", "ASSISTANT: ", StringComparison.Ordinal));
        Assert.Contains(Path.Combine(checkpoint.Path, name), Assert.Throws<CheckpointException>(() => ChatTemplate.Read(checkpoint.Folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NoTemplate_CannotChat()
    {
        using var checkpoint = new SmallCheckpoint();
        var tokens = SpecialVocabulary.Read(checkpoint.Folder).Tokens(4, 600);
        var prompts = new PromptTemplate(TextTokenizer.Load(checkpoint.Folder), tokens, ChatTemplate.Read(checkpoint.Folder));
        Assert.False(prompts.CanChat);
        Assert.Throws<NotSupportedException>(() => prompts.Build([], []));
        Assert.True(FixtureTokenizers.Hub.Prompts.CanChat);
        Assert.Equal([tokens.BeginOfSequence, tokens.BeginOfImage, .. TextTokenizer.Load(checkpoint.Folder).Encode("2*3"), tokens.Image], prompts.Image("", 2, 3));
    }

    private static void Write(SmallCheckpoint checkpoint, string name, string template) =>
        checkpoint.Write(name, name.EndsWith(".json", StringComparison.Ordinal)
            ? new System.Text.Json.Nodes.JsonObject { ["chat_template"] = template }.ToJsonString()
            : template);
}
