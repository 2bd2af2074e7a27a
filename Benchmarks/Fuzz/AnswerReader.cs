using System.Buffers;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>Reads one answer of HTTP/1.1 from a connection: no more than is needed to judge it, whatever comes.</summary>
internal sealed class AnswerReader(Socket socket)
{
    private const int MaxBody = 256 << 10;
    private readonly byte[] _buffer = new byte[16 << 10];
    private readonly ArrayBufferWriter<byte> _body = new();
    private int _at;
    private int _end;

    /// <summary>The answer ended as it said it would, or is a stream of which enough was seen.</summary>
    public bool IsWhole { get; private set; }

    public int Status { get; private set; }

    public string Head { get; private set; } = "";

    public byte[] Body => _body.WrittenSpan.ToArray();

    /// <summary>Reads to the end of the answer or of the connection.</summary>
    /// <param name="isHead">The answer to HEAD has no body, whatever its headers say.</param>
    /// <param name="streamPatience">After so long a stream of events has been seen enough.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task ReadAsync(bool isHead, TimeSpan streamPatience, CancellationToken cancellationToken)
    {
        do
        {
            if (await ReadHeadAsync(cancellationToken) is not { } head) return;
            Head = head;
            Status = head.Split(' ') is [_, { Length: >= 3 } number, ..] && int.TryParse(number.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var status) ? status : 999;
        }
        while (Status is >= 100 and < 200 and not 101);

        var answer = new FuzzAnswer(ExchangeEnd.Answered, Status, Head, [], default);
        if (isHead || Status is 101 or 204 or 304) IsWhole = true;
        else if (answer.Header("Content-Type")?.StartsWith("text/event-stream", StringComparison.Ordinal) == true) await ReadStreamAsync(streamPatience, cancellationToken);
        else if (answer.Header("Transfer-Encoding") is not null) await ReadChunksAsync(cancellationToken);
        else if (long.TryParse(answer.Header("Content-Length"), NumberStyles.None, CultureInfo.InvariantCulture, out var length)) IsWhole = await TakeAsync(length, cancellationToken);
        else IsWhole = !await TakeAsync(long.MaxValue, cancellationToken); // until the connection ends
    }

    private async Task ReadStreamAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        enough.CancelAfter(patience);
        try
        {
            await ReadChunksAsync(enough.Token);
            IsWhole = true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            IsWhole = true;
        }
    }

    private async Task ReadChunksAsync(CancellationToken cancellationToken)
    {
        while (await ReadLineAsync(cancellationToken) is { } line)
        {
            if (!long.TryParse(line.Split(';')[0].Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var length)) return;
            if (!await TakeAsync(length, cancellationToken) || await ReadLineAsync(cancellationToken) is null) return;
            if (length > 0) continue;
            IsWhole = true;
            return;
        }
    }

    private async Task<string?> ReadHeadAsync(CancellationToken cancellationToken)
    {
        var head = new StringBuilder();
        while (await ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.Length == 0) return head.ToString();
            head.Append(line).Append('\n');
        }

        return null;
    }

    /// <summary>Null when the connection ended.</summary>
    private async ValueTask<string?> ReadLineAsync(CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        while (true)
        {
            if (_at == _end && !await FillAsync(cancellationToken)) return null;
            var letter = (char)_buffer[_at++];
            if (letter == '\n') return line.ToString().TrimEnd('\r');
            if (line.Length < 64 << 10) line.Append(letter);
        }
    }

    /// <summary>False when the connection ended first.</summary>
    private async Task<bool> TakeAsync(long length, CancellationToken cancellationToken)
    {
        while (length > 0)
        {
            if (_at == _end && !await FillAsync(cancellationToken)) return false;
            var count = (int)Math.Min(length, _end - _at);
            if (_body.WrittenCount < MaxBody) _body.Write(_buffer.AsSpan(_at, count));
            (_at, length) = (_at + count, length - count);
        }

        return true;
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        (_at, _end) = (0, await socket.ReceiveAsync(_buffer, cancellationToken));
        return _end > 0;
    }
}
