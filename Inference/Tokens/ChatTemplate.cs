using System.Text.RegularExpressions;
using Emu3.Inference.Weights;

namespace Emu3.Inference.Tokens;

/// <summary>
/// How a conversation becomes one text with pictures in it. Two templates are known: the one that is released with the transformers checkpoints, and the one
/// in the original layout's processor. They are written out here; the checkpoint's file is only compared with what is known.
/// </summary>
public sealed partial class ChatTemplate
{
    private const string DefaultSystem = "You are a helpful assistant.";

    /// <summary>The released template, in two spellings that render the same: without white space inside tags, comments, and the marks for training.</summary>
    private static readonly string[] s_released =
    [
        ReleasedWith("{%forcontentinmessage['content']|selectattr('type','equalto','text')%}{{content['text']+' '}}{%endfor%}"),
        ReleasedWith(
            "{%ifmessage['role']!='assistant'%}{%forcontentinmessage['content']|selectattr('type','equalto','text')%}{{content['text']+' '}}{%endfor%}"
            + "{%else%}{%forcontentinmessage['content']|selectattr('type','equalto','text')%}{{content['text']+' '}}{%endfor%}{%endif%}"),
    ];

    private readonly bool isOriginal;

    private ChatTemplate(bool isOriginal) => this.isOriginal = isOriginal;

    /// <summary>The template of a checkpoint; null when it has none, and so can't chat.</summary>
    /// <exception cref="CheckpointException">It has one that is not known; the message names the file.</exception>
    public static ChatTemplate? Read(ModelFolder folder)
    {
        if (folder.IsOriginal)
        {
            return new ChatTemplate(isOriginal: true);
        }

        var jinja = Path.Combine(folder.Language, "chat_template.jinja");
        if (File.Exists(jinja))
        {
            return Recognize(jinja, CheckpointFile.ReadText(jinja));
        }

        // Older files have it as a field: of a file of its own, or of the tokenizer's.
        foreach (var name in new[] { "chat_template.json", "processor_config.json", "tokenizer_config.json" })
        {
            if (ConfigFile.ReadIfThere(folder.Language, name) is var file && file.Has("chat_template"))
            {
                // Several have names; "default" is the one that counts where none is named.
                var named = file.Sections("chat_template");
                return Recognize(
                    Path.Combine(folder.Language, name),
                    named is null ? file.Text("chat_template", "") : named.FirstOrDefault(one => one.Text("name", "") == "default")?.Text("template", "") ?? "");
            }
        }

        return null;
    }

    /// <summary>The pieces of a conversation that the model is to answer, up to where its answer begins. Text stays text, whatever it spells.</summary>
    internal IEnumerable<ChatPiece> Render(IReadOnlyList<ChatMessage> messages)
    {
        if (!messages.Any(message => message.Role == ChatRole.System))
        {
            yield return new ChatPiece(DefaultSystem + " ");
        }

        var picture = 0;
        foreach (var message in messages)
        {
            if (message.Role != ChatRole.System)
            {
                yield return new ChatPiece(message.Role == ChatRole.User ? "USER: " : "ASSISTANT: ");
            }

            foreach (var _ in message.Parts.OfType<ChatPart.Picture>())
            {
                yield return new ChatPiece(picture++);
            }

            foreach (var text in Texts(message))
            {
                yield return new ChatPiece(text);
            }
        }

        yield return new ChatPiece("ASSISTANT:");
    }

    /// <summary>The original puts a period after what the user says (processing_emu3.py, chat_template); the released one a space after each text.</summary>
    private IEnumerable<string> Texts(ChatMessage message)
    {
        var texts = message.Parts.OfType<ChatPart.Text>().Select(text => text.Value);
        return !isOriginal ? texts.Select(text => text + " ")
            : message.Role == ChatRole.User ? [string.Join(' ', texts) + ". "]
            : [string.Join(' ', texts) + " "];
    }

    private static ChatTemplate Recognize(string path, string template)
    {
        var plain = TrainingMark().Replace(Comment().Replace(template, ""), "");
        var compact = Tag().Replace(plain.TrimEnd('\n'), tag => WhiteSpaceOutsideQuotes().Replace(tag.Value, "$1"));
        return s_released.Contains(compact)
            ? new ChatTemplate(isOriginal: false)
            : throw new CheckpointException(
                $"{path} is not the chat template that is released with Emu3 (pictures of a turn first, then its texts with a space after each), which is the only one that is implemented.");
    }

    private static string ReleasedWith(string texts) =>
        "{%formessageinmessages%}{%ifmessage['role']!='system'%}{{message['role'].upper()+': '}}{%endif%}"
        + "{%forcontentinmessage['content']|selectattr('type','equalto','image')%}{{'<image>'}}{%endfor%}" + texts
        + "{%endfor%}{%ifadd_generation_prompt%}{{'ASSISTANT:'}}{%endif%}";

    [GeneratedRegex(@"\{#.*?#\}", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"\{%\s*(end)?generation\s*%\}")]
    private static partial Regex TrainingMark();

    [GeneratedRegex(@"\{%.*?%\}|\{\{.*?\}\}", RegexOptions.Singleline)]
    private static partial Regex Tag();

    /// <summary>Keeps what stands in quotes, which is matched first, and drops white space elsewhere.</summary>
    [GeneratedRegex(@"('[^']*'|""[^""]*"")|\s+")]
    private static partial Regex WhiteSpaceOutsideQuotes();
}

/// <summary>A piece of a rendered conversation: a text, or the place of a picture.</summary>
internal readonly record struct ChatPiece
{
    public ChatPiece(string text) => Text = text;

    public ChatPiece(int picture) => Picture = picture;

    /// <summary>Null for a picture.</summary>
    public string? Text { get; }

    /// <summary>Which picture of the conversation, counted from 0.</summary>
    public int Picture { get; }
}
