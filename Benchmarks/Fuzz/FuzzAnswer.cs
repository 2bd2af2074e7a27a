using System.Text;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>What came back.</summary>
/// <param name="End">How the exchange ended.</param>
/// <param name="Status">0 when there was no answer.</param>
/// <param name="Head">Status line and headers, as they came.</param>
/// <param name="Body">Of a long one, its beginning.</param>
/// <param name="Elapsed">From the first byte that was sent.</param>
internal sealed record FuzzAnswer(ExchangeEnd End, int Status, string Head, byte[] Body, TimeSpan Elapsed)
{
    public string Text => Encoding.UTF8.GetString(Body);

    /// <summary>Value of a header, or null.</summary>
    public string? Header(string name)
    {
        foreach (var line in Head.Split('\n').Skip(1))
            if (line.StartsWith(name, StringComparison.OrdinalIgnoreCase) && line.Length > name.Length && line[name.Length] == ':') return line[(name.Length + 1)..].Trim();
        return null;
    }
}

/// <summary>How an exchange ended.</summary>
internal enum ExchangeEnd
{
    /// <summary>With a whole answer, or as much of a stream as was wanted.</summary>
    Answered,

    /// <summary>The client closed the connection, as it meant to.</summary>
    Cut,

    /// <summary>The server closed the connection before the answer, or within it.</summary>
    Closed,

    /// <summary>Nothing happened until the deadline.</summary>
    Hung,

    /// <summary>There is nobody to connect to.</summary>
    NotConnected,
}
