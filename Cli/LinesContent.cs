using System.Net;
using System.Text;

namespace Emu3.Cli;

/// <summary>JSON lines, written while they are made.</summary>
internal sealed class LinesContent : HttpContent
{
    private readonly IEnumerable<string> _lines;

    public LinesContent(IEnumerable<string> lines)
    {
        _lines = lines;
        Headers.ContentType = new("application/x-ndjson");
    }

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await using var writer = new StreamWriter(stream, new UTF8Encoding(false), bufferSize: 1 << 16, leaveOpen: true);
        foreach (var line in _lines)
        {
            await writer.WriteAsync(line);
            await writer.WriteAsync('\n');
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
