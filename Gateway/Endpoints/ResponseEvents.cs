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
    private readonly StringBuilder _text = new();
    private int _next;
    private bool _isOpen;

    /// <summary>The text so far.</summary>
    public string Text => _text.ToString();

    /// <summary>What a client hears at once.</summary>
    public IEnumerable<ResponseEvent> Begin() => [Told("response.created") with { Response = begun }, Told("response.in_progress") with { Response = begun }];

    /// <summary>A piece of text.</summary>
    public IEnumerable<ResponseEvent> Add(string piece)
    {
        _text.Append(piece);
        return [.. Open(), OfText("response.output_text.delta") with { Delta = piece, Logprobs = [] }];
    }

    /// <summary>The end of a response that has all of its text, be it cut or not.</summary>
    public IEnumerable<ResponseEvent> Complete(ResponseAnswer ended) =>
    [
        .. Open(),
        OfText("response.output_text.done") with { Text = Text, Logprobs = [] },
        OfText("response.content_part.done") with { Part = new(Text) },
        Told("response.output_item.done") with { OutputIndex = 0, Item = ended.Output[0] },
        Told(ended.Status == ResponseStatus.Incomplete ? "response.incomplete" : "response.completed") with { Response = ended },
    ];

    /// <summary>The end of a response that failed for good.</summary>
    public ResponseEvent Fail(ResponseError error) => Told("response.failed") with { Response = begun with { Status = ResponseStatus.Failed, Error = error } };

    /// <summary>The message begins with its first piece.</summary>
    private IEnumerable<ResponseEvent> Open()
    {
        if (_isOpen) return [];
        _isOpen = true;
        return
        [
            Told("response.output_item.added") with { OutputIndex = 0, Item = new(messageId, ResponseStatus.InProgress, []) },
            OfText("response.content_part.added") with { Part = new("") },
        ];
    }

    private ResponseEvent OfText(string type) => Told(type) with { ItemId = messageId, OutputIndex = 0, ContentIndex = 0 };

    private ResponseEvent Told(string type) => new(type, _next++);
}
