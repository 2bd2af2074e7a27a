using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Jobs;

/// <summary>
/// Cuts the body of a submission into parts as it arrives: first the job object, then one part an item. It is never held whole;
/// one part may take <see cref="LongestPart"/>.
/// </summary>
internal static class JobBody
{
    /// <summary>Bytes of one item: several pictures in base64.</summary>
    public const int LongestPart = 96 << 20;

    /// <summary>JSON Lines: a part a line. Blank lines are passed over.</summary>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadLines(Stream body, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var pipe = PipeReader.Create(body, new StreamPipeReaderOptions(bufferSize: 1 << 16));
        for (long wanted = 1; ;)
        {
            var read = await pipe.ReadAtLeastAsync((int)Math.Min(wanted, LongestPart + 1), cancellationToken);
            var buffer = read.Buffer;
            while (TryTakeLine(ref buffer, read.IsCompleted, out var line))
                if (!IsBlank(line)) yield return line;
            // A line that is not whole is looked at again when there is twice as much of it, so that long ones cost no more than short ones.
            wanted = buffer.Length * 2 + 1;
            CheckLength(buffer.Length);
            pipe.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted) break;
        }
    }

    private static bool TryTakeLine(ref ReadOnlySequence<byte> buffer, bool isEnd, out ReadOnlyMemory<byte> line)
    {
        line = default;
        if (buffer.PositionOf((byte)'\n') is { } end)
        {
            line = buffer.Slice(0, end).ToArray();
            buffer = buffer.Slice(buffer.GetPosition(1, end));
            return true;
        }
        if (!isEnd || buffer.IsEmpty) return false;
        line = buffer.ToArray();
        buffer = buffer.Slice(buffer.End);
        return true;
    }

    private static bool IsBlank(ReadOnlyMemory<byte> line) =>
        line.Span[StrictJson.MarkLength(line.Span)..].IndexOfAnyExcept((byte)' ', (byte)'\t', (byte)'\r') < 0;

    /// <summary>
    /// One JSON document: the job object, whose <c>items</c> come last (what holds for all items must be known before the first).
    /// </summary>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadDocument(Stream body, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var pipe = PipeReader.Create(body, new StreamPipeReaderOptions(bufferSize: 1 << 16));
        var cutter = new DocumentCutter();
        for (long wanted = 1; ;)
        {
            var read = await pipe.ReadAtLeastAsync((int)Math.Min(wanted, LongestPart + 1), cancellationToken);
            var buffer = read.Buffer;
            while (cutter.TryStep(ref buffer, read.IsCompleted, out var part))
                if (part is not null) yield return part;
            wanted = buffer.Length * 2 + 1;
            CheckLength(buffer.Length);
            pipe.AdvanceTo(buffer.Start, buffer.End);
            if (!read.IsCompleted) continue;
            if (!cutter.IsAtEnd) throw new MalformedBodyException("The JSON document ends too early.");
            yield break;
        }
    }

    private static void CheckLength(long length)
    {
        if (length > LongestPart)
            throw new MalformedBodyException($"One item is longer than {LongestPart >> 20} MiB.", StatusCodes.Status413PayloadTooLarge);
    }

    /// <summary>Takes one field or one item at a time from the front of what has arrived.</summary>
    private sealed class DocumentCutter
    {
        private const string Items = "items";
        private readonly ArrayBufferWriter<byte> _job = new();
        private JsonReaderState _state = new(new() { MaxDepth = 32 });
        private Place _place = Place.Start;

        private enum Place { Start, Fields, Items, AfterItems, End }

        public bool IsAtEnd => _place == Place.End;

        /// <summary>False when more bytes are needed; nothing is then taken.</summary>
        public bool TryStep(ref ReadOnlySequence<byte> buffer, bool isEnd, out byte[]? part)
        {
            part = null;
            if (_place == Place.Start && !TryPassMark(ref buffer, isEnd)) return false;
            var reader = new Utf8JsonReader(buffer, isEnd, _state);
            try
            {
                var before = _place;
                if (!TryStep(ref reader, buffer, out part))
                {
                    _place = before;
                    return false;
                }
            }
            catch (JsonException e)
            {
                throw new MalformedBodyException($"The body is not valid JSON: {e.Message}");
            }
            catch (InvalidOperationException)
            {
                // A name with half of a surrogate pair, or with bytes that are no UTF-8: found out when it is read.
                throw new MalformedBodyException("The body is not valid JSON: it has a name that is no Unicode text.");
            }
            _state = reader.CurrentState;
            buffer = buffer.Slice(reader.Position);
            return true;
        }

        /// <summary>Passes over a byte order mark. False while what is here may be the beginning of one.</summary>
        private static bool TryPassMark(ref ReadOnlySequence<byte> buffer, bool isEnd)
        {
            if (buffer.Length < 3) return isEnd || buffer.IsEmpty || buffer.FirstSpan[0] != 0xEF;
            buffer = buffer.Slice(StrictJson.MarkLength(buffer.Slice(0, 3).ToArray()));
            return true;
        }

        private bool TryStep(ref Utf8JsonReader reader, ReadOnlySequence<byte> buffer, out byte[]? part)
        {
            part = null;
            if (!reader.Read()) return false;
            switch (_place)
            {
                case Place.Start:
                    if (reader.TokenType != JsonTokenType.StartObject) throw new MalformedBodyException("The body must be an object: the job.");
                    _job.Write("{"u8);
                    _place = Place.Fields;
                    return true;
                case Place.Fields when reader.TokenType == JsonTokenType.EndObject:
                    _place = Place.End;
                    part = Job();
                    return true;
                case Place.Fields when reader.ValueTextEquals(Items):
                    if (!reader.Read()) return false;
                    if (reader.TokenType != JsonTokenType.StartArray) throw new MalformedBodyException("items: must be an array.", param: Items);
                    _place = Place.Items;
                    part = Job();
                    return true;
                case Place.Fields:
                    var name = (int)reader.TokenStartIndex;
                    if (!reader.Read() || !reader.TrySkip()) return false;
                    if (_job.WrittenCount > 1) _job.Write(","u8);
                    foreach (var piece in buffer.Slice(name, reader.BytesConsumed - name)) _job.Write(piece.Span);
                    return true;
                case Place.Items when reader.TokenType == JsonTokenType.EndArray:
                    _place = Place.AfterItems;
                    return true;
                case Place.Items:
                    var start = reader.TokenStartIndex;
                    if (!reader.TrySkip()) return false;
                    part = buffer.Slice(start, reader.BytesConsumed - start).ToArray();
                    return true;
                case Place.AfterItems when reader.TokenType == JsonTokenType.EndObject:
                    _place = Place.End;
                    return true;
                case Place.AfterItems:
                    throw new MalformedBodyException($"items: must come last, and \"{Short(reader.GetString()!)}\" stands after it.", param: Items);
                default:
                    throw new MalformedBodyException("The body is not valid JSON: something stands after the job.");
            }
        }

        private static string Short(string name) => name.Length <= 64 ? name : name[..64];

        private byte[] Job()
        {
            _job.Write("}"u8);
            return _job.WrittenSpan.ToArray();
        }
    }
}

/// <summary>The body arrived and is not what it should be, in contrast to one that broke off.</summary>
internal sealed class MalformedBodyException(string message, int status = StatusCodes.Status400BadRequest, string? param = null) : BadHttpRequestException(message, status)
{
    /// <summary>Path of the field that is wrong; null for the whole body.</summary>
    public string? Param => param;
}
