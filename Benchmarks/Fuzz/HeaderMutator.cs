namespace Emu3.Benchmarks.Fuzz;

/// <summary>Changes headers: odd values of those that mean something here, very many, very long, and bytes that no header has.</summary>
internal static class HeaderMutator
{
    private static readonly (string Name, string[] Values)[] s_odd =
    [
        ("Content-Type", ["", "application/json;", "application/json; charset=utf-16", "application/json; charset=x", "text/plain", "application/x-www-form-urlencoded", "application/vnd.api+json", "json", "*/*", ";", "application/x-ndjson",
            "multipart/form-data", "multipart/form-data; boundary=x", "application/json, text/html", "APPLICATION/JSON"]),
        ("Authorization", ["", "Bearer", "Bearer ", "bearer x", "Basic YTpi", "Bearer emu3_0123456789abcdef_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "Bearer a b", "Bearer \xc3\xa9", "emu3_"]),
        ("Range", ["bytes=0-", "bytes=-1", "bytes=5-2", "bytes=0-0,2-3", "bytes=99999999999999999999-", "bytes=999999-", "bytes=-0", "items=0-1", "bytes", "bytes=a-b", "bytes=0-9223372036854775807"]),
        ("If-None-Match", ["*", "\"x\"", "W/\"x\"", "x", "\"", "\"a\", \"b\"", ","]),
        ("If-Match", ["*", "\"x\"", "x", ""]),
        ("If-Modified-Since", ["Sat, 28 Nov 2026 00:00:00 GMT", "yesterday", "0", "-1"]),
        ("If-Unmodified-Since", ["Sat, 28 Nov 1970 00:00:00 GMT", "x"]),
        ("If-Range", ["\"x\"", "W/\"x\"", "Sat, 28 Nov 2026 00:00:00 GMT", "?"]),
        ("Last-Event-ID", ["", "0", "1x2", "1.2.3", "-1", "99999999999", "1x99999999", "x", "1:2", "1:99999999999", "\xe2\x98\x83"]),
        ("Idempotency-Key", ["", "a", "fuzz", " ", "a\tb", "../..", "\xc3\xa9", new string('k', 255), new string('k', 256), new string('k', 5_000)]),
        ("Accept", ["", "*/*", "text/csv", "text/html", "x", "text/csv;q=0", "text/csv;q=x", ",,,", "application/xml"]),
        ("Accept-Encoding", ["gzip", "br;q=2", "identity;q=0, *;q=0", "x"]),
        ("Content-Encoding", ["gzip", "identity", "br", "x"]),
        ("Accept-Charset", ["utf-7", "x"]),
        ("Accept-Language", ["de", "*", "x-klingon", "-"]),
        ("Expect", ["100-continue", "x"]),
        ("Upgrade", ["websocket", "h2c", "TLS/1.0"]),
        ("Connection", ["keep-alive", "Upgrade", "close, keep-alive", "Authorization"]),
        ("X-Forwarded-For", ["127.0.0.1", "x", "::1"]),
        ("X-Forwarded-Host", ["evil.example"]),
        ("X-Forwarded-Proto", ["https", "x"]),
        ("X-HTTP-Method-Override", ["DELETE"]),
        ("X-Original-URL", ["/v1/admin/keys"]),
        ("Origin", ["https://evil.example", "null", "x", ""]),
        ("Referer", ["https://evil.example", "x"]),
        ("Cookie", ["a=b", "=", ";;;", "a"]),
        ("traceparent", ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-x", "ff-0-0-0", "00-00000000000000000000000000000000-0000000000000000-00"]),
        ("tracestate", ["a=b", "=", ",,,"]),
        ("baggage", ["a=b", "a=%zz", new string('a', 9_000)]),
        ("x-request-id", ["mine", "<script>"]),
        ("OpenAI-Organization", ["org"]),
        ("x-stainless-retry-count", ["9"]),
        ("Host", ["evil.example", "localhost", "127.0.0.1", "[::1]:80"]),
        ("TE", ["trailers"]),
    ];

    /// <summary>Changes the draft; tells what was done.</summary>
    public static string Mutate(RequestDraft draft, Random random)
    {
        switch (random.Next(14))
        {
            case < 8:
                var (name, values) = OddText.Pick(s_odd, random);
                draft.SetHeader(name, OddText.Pick(values, random));
                // What the server itself reads of them.
                draft.MayBreakProtocol |= name is "Expect" or "Upgrade" or "Connection" || draft.Header(name)!.Any(letter => letter > '~');
                return $"header {name}";
            case 8: draft.RemoveHeader(OddText.Pick((string[])["Content-Type", "Authorization", "Connection"], random)); return "header missing";
            case 9:
                for (var count = OddText.Pick((int[])[20, 80, 120, 1_000], random); count > 0; count--) draft.Headers.Add(($"X-Fuzz-{count}", "x"));
                draft.MayBreakProtocol |= draft.Headers.Count > 90;
                return "headers many";
            case 10:
                draft.Headers.Add((OddText.Pick((string[])["X-Fuzz", "Cookie", "User-Agent", "Accept", "Last-Event-ID"], random), new string('v', OddText.Pick((int[])[4_000, 15_000, 30_000, 70_000], random))));
                draft.MayBreakProtocol |= draft.Headers.Sum(header => header.Name.Length + header.Value.Length + 4) > 60_000;
                return "header long";
            case 11:
                draft.Headers.Add(OddText.Pick(draft.Headers, random));
                draft.MayBreakProtocol = true;
                return "header twice";
            default:
                draft.Headers.Insert(random.Next(draft.Headers.Count + 1), (OddText.Garble("X-Fuzz", random), OddText.Garble(OddText.Draw(random, 2_000), random)));
                draft.MayBreakProtocol = true;
                return "header bytes";
        }
    }
}
