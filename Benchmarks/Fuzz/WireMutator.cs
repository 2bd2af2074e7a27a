using System.Globalization;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>Changes how a request is sent: cut off, half sent and held, broken chunks, lengths that lie, lines that are no HTTP.</summary>
internal static class WireMutator
{
    /// <summary>One in so many of these waits until the server loses its patience, which takes many seconds.</summary>
    private const int HoldOneIn = 150;

    /// <summary>Changes the draft; tells what was done.</summary>
    public static string Mutate(RequestDraft draft, Random random)
    {
        draft.MayBreakProtocol = true;
        if (random.Next(HoldOneIn) == 0) return Part(draft, random, SendEnd.Hold, "held");
        switch (random.Next(12))
        {
            case < 3: return Part(draft, random, SendEnd.Cut, "cut");
            case 3: draft.End = SendEnd.Cut; return "not waited for";
            case 4: return Part(draft, random, SendEnd.Half, "half sent");
            case 5: draft.Chunk(random.Next(1, 200)); return "chunked";
            case 6: draft.Chunk(random.Next(1, 200)); draft.Body = OddText.Garble(draft.Body, random); draft.End = SendEnd.Half; return "chunks broken";
            case 7: return Lengths(draft, random);
            case 8: draft.LineEnd = OddText.Pick((string[])["\n", "\r", "\r\r\n", "\n\r"], random); draft.End = SendEnd.Half; return "line ends";
            case 9: draft.Version = OddText.Pick((string[])["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "http/1.1", "HTTP", ""], random); draft.End = SendEnd.Half; return "version";
            case 10: draft.RemoveHeader("Host"); if (random.Next(2) == 0) draft.SetHeader("Host", OddText.Pick((string[])["", " ", "a b", "x:y", "a/b", "\xff", "[", "127.0.0.1:99999999"], random)); return "host";
            default: return Nonsense(draft, random);
        }
    }

    private static string Part(RequestDraft draft, Random random, SendEnd end, string name)
    {
        (draft.End, draft.SentShare) = (end, random.NextDouble());
        return name;
    }

    private static string Lengths(RequestDraft draft, Random random)
    {
        draft.IsFramed = true;
        draft.End = SendEnd.Half;
        string[] lengths = ["0", "-1", "+5", "5 ", "0x5", "1e3", "99999999999999999999", "9223372036854775807", "2147483648", "", "a", "5, 5",
            draft.Body.Length.ToString(CultureInfo.InvariantCulture), (draft.Body.Length + 100).ToString(CultureInfo.InvariantCulture), (draft.Body.Length / 2).ToString(CultureInfo.InvariantCulture)];
        for (var count = random.Next(1, 3); count > 0; count--) draft.Headers.Add(("Content-Length", OddText.Pick(lengths, random)));
        if (random.Next(2) == 0) draft.Headers.Add(("Transfer-Encoding", OddText.Pick((string[])["chunked", "gzip", "identity", "chunked, chunked", "xchunked", "\tchunked", ""], random)));
        return "lengths";
    }

    private static string Nonsense(RequestDraft draft, Random random)
    {
        draft.Method = OddText.Pick((string[])["\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0\0\0\0", "\r\n\r\n\r\n", "SSH-2.0-x\r\n", new string('\xff', 3_000), "GET /v1/models HTTP/1.1\r\n\r\n", "{\"a\":1}"], random);
        draft.End = SendEnd.Half;
        return "no HTTP";
    }
}
