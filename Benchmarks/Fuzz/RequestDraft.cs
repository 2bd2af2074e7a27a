using System.Globalization;
using System.Text;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>A request in the making. All text is Latin-1, a character for each byte, so that mutations may write any byte.</summary>
internal sealed class RequestDraft
{
    public required string Method { get; set; }
    public required string Target { get; set; }
    public string Version { get; set; } = "HTTP/1.1";
    public string LineEnd { get; set; } = "\r\n";
    public List<(string Name, string Value)> Headers { get; } = [];
    public string Body { get; set; } = "";

    /// <summary>Headers and body already say how long the body is, rightly or not.</summary>
    public bool IsFramed { get; set; }

    /// <summary>What happens behind the last byte that is sent.</summary>
    public SendEnd End { get; set; }

    /// <summary>Of the whole, what is sent; 1 is all.</summary>
    public double SentShare { get; set; } = 1;

    /// <summary>HTTP's own rules may be broken: the server may refuse it before the gateway sees it.</summary>
    public bool MayBreakProtocol { get; set; }

    /// <summary>A header has a line end inside: what the server takes for the body may begin before ours.</summary>
    public bool HasBrokenHeader => Headers.Exists(header => header.Name.AsSpan().ContainsAny('\r', '\n') || header.Value.AsSpan().ContainsAny('\r', '\n'));

    /// <summary>Names of what was done to it.</summary>
    public List<string> Mutations { get; } = [];

    /// <summary>Text as bytes are written here.</summary>
    public static string Bytes(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    public string? Header(string name) => Headers.FirstOrDefault(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    /// <summary>In the place of the header of that name, where there is one.</summary>
    public void SetHeader(string name, string value)
    {
        RemoveHeader(name);
        Headers.Add((name, value));
    }

    public void RemoveHeader(string name) => Headers.RemoveAll(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Puts the body into chunks.</summary>
    /// <param name="length">Bytes of a chunk.</param>
    public void Chunk(int length)
    {
        var text = new StringBuilder();
        for (var at = 0; at < Body.Length; at += length)
        {
            var chunk = Body.AsSpan(at, Math.Min(length, Body.Length - at));
            text.Append(CultureInfo.InvariantCulture, $"{chunk.Length:x}\r\n").Append(chunk).Append("\r\n");
        }

        Body = text.Append("0\r\n\r\n").ToString();
        SetHeader("Transfer-Encoding", "chunked");
        IsFramed = true;
    }

    /// <summary>The bytes.</summary>
    public byte[] Write()
    {
        var text = new StringBuilder().Append(Method).Append(' ').Append(Target).Append(' ').Append(Version).Append(LineEnd);
        foreach (var (name, value) in Headers) text.Append(name).Append(": ").Append(value).Append(LineEnd);
        if (!IsFramed && (Body.Length > 0 || Method is "POST" or "PUT")) text.Append(CultureInfo.InvariantCulture, $"Content-Length: {Body.Length}").Append(LineEnd);
        return Encoding.Latin1.GetBytes(text.Append(LineEnd).Append(Body).ToString());
    }
}

/// <summary>What happens behind the last byte that is sent.</summary>
internal enum SendEnd
{
    /// <summary>The answer is waited for.</summary>
    Wait,

    /// <summary>The connection is closed at once: nobody is there for an answer.</summary>
    Cut,

    /// <summary>No more comes, and the answer is waited for.</summary>
    Half,

    /// <summary>Nothing happens: the server must lose its patience.</summary>
    Hold,
}
