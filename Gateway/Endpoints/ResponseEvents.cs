using System.Text;
using Emu3.Gateway.Contracts;

namespace Emu3.Gateway.Endpoints;

/// <summary>
/// The events of one streamed response, in OpenAI's order and numbered from 0. Each event's name stands in its data as well. Pure: it makes events, and
/// someone else writes them.
/// </summary>
/// <param name="begun">The response before its first token.</param>
/// <param name="messageId">The id that its message will have.</param>
internal sealed class ResponseEvents(ResponseAnswer begun, string messageId)
{
    private const string Created = "response.created";
    private const string InProgress = "response.in_progress";
    private const string ItemAdded = "response.output_item.added";
    private const string PartAdded = "response.content_part.added";
    private const string TextDelta = "response.output_text.delta";
    private const string TextDone = "response.output_text.done";
    private const string PartDone = "response.content_part.done";
    private const string ItemDone = "response.output_item.done";
    private const string Completed = "response.completed";
    private const string Incomplete = "response.incomplete";
    private const string Failed = "response.failed";

    private readonly StringBuilder _text = new();
    private int _next;
    private bool _isOpen;

    /// <summary>The names of all events, in the order in which they may come.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [Created, InProgress, ItemAdded, PartAdded, TextDelta, TextDone, PartDone, ItemDone, Completed, Incomplete, Failed];

    /// <summary>Whether an event of that name is the last one of its response.</summary>
    public static bool IsEnd(string name) => name is Completed or Incomplete or Failed;

    /// <summary>The text so far.</summary>
    public string Text => _text.ToString();

    /// <summary>What a client hears at once.</summary>
    public IEnumerable<ResponseEvent> Begin() => [Told(Created) with { Response = begun }, Told(InProgress) with { Response = begun }];

    /// <summary>A piece of text.</summary>
    public IEnumerable<ResponseEvent> Add(string piece)
    {
        _text.Append(piece);
        return [.. Open(), OfText(TextDelta) with { Delta = piece, Logprobs = [] }];
    }

    /// <summary>The end of a response that has all of its text, be it cut or not.</summary>
    public IEnumerable<ResponseEvent> Complete(ResponseAnswer ended) =>
    [
        .. Open(),
        OfText(TextDone) with { Text = Text, Logprobs = [] },
        OfText(PartDone) with { Part = new(Text) },
        Told(ItemDone) with { OutputIndex = 0, Item = ended.Output[0] },
        Told(ended.Status == ResponseStatus.Incomplete ? Incomplete : Completed) with { Response = ended },
    ];

    /// <summary>The end of a response that failed for good.</summary>
    public ResponseEvent Fail(ResponseError error) => Told(Failed) with { Response = begun with { Status = ResponseStatus.Failed, Error = error } };

    /// <summary>The message begins with its first piece.</summary>
    private IEnumerable<ResponseEvent> Open()
    {
        if (_isOpen) return [];
        _isOpen = true;
        return
        [
            Told(ItemAdded) with { OutputIndex = 0, Item = new(messageId, ResponseStatus.InProgress, []) },
            OfText(PartAdded) with { Part = new("") },
        ];
    }

    private ResponseEvent OfText(string type) => Told(type) with { ItemId = messageId, OutputIndex = 0, ContentIndex = 0 };

    private ResponseEvent Told(string type) => new(type, _next++);
}
