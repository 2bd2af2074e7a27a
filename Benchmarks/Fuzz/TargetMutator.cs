namespace Emu3.Benchmarks.Fuzz;

/// <summary>Changes path and query.</summary>
internal static class TargetMutator
{
    private static readonly string[] s_segments =
    [
        "..", "%2e%2e", "%2E%2E%2F%2e%2e", "..%2f..%2fetc%2fpasswd", "..%5c..", ".", "%2e", "%2f", "%5c", "a%2fb", "%252e%252e", "..;", "%20", "%", "%zz", "%c0%ae%c0%ae", "%ff", "%e2%80%ae", "%0a%0d", "%09", "*", "~", "''",
        "-1", "0", "00", "99999999999", "2147483648", "1e3", "0x1", "1.0", "+1", "NaN", "null", "true",
    ];

    private static readonly string[] s_bytes = ["%00", "\0", " ", "\t", "\xff", "\xc3\xa9", "\r", "#x", "\\", "\x7f", "|", "\"", "<>"];

    /// <summary>Changes the draft; tells what was done.</summary>
    public static string Mutate(RequestDraft draft, Random random)
    {
        var hasQuery = draft.Target.Contains('?', StringComparison.Ordinal);
        switch (random.Next(10))
        {
            case 0 or 1 or 2: draft.Target = ReplaceSegment(draft.Target, OddText.Pick(s_segments, random), random); return "path segment";
            case 3: draft.Target = ReplaceSegment(draft.Target, Uri.EscapeDataString(OddText.Draw(random, 3_000)).Replace("%00", "%01", StringComparison.Ordinal), random); return "path id";
            case 4 or 5 or 6 when hasQuery: draft.Target = ReplaceValue(draft.Target, random); return "query value";
            case 4 or 5: draft.Target += $"{(hasQuery ? '&' : '?')}{OddText.Pick((string[])["limit", "after", "order", "validate", "from", "format", "x", "limit[]", "", "a b", "=", "&&"], random).Replace(' ', '+')}={Escaped(random)}"; return "query added";
            case 6: draft.Target += OddText.Pick((string[])["/", "//", "/x", "/../..", "/.", ";x=y", "?", "??", "?&", "/%2e%2e/%2e%2e/", "?" + new string('&', 3_000)], random); return "path end";
            case 7: draft.Target = $"{draft.Target}{(hasQuery ? '&' : '?')}x={new string('x', OddText.Pick((int[])[2_000, 20_000, 40_000], random))}"; draft.MayBreakProtocol |= draft.Target.Length > 30_000; return "target long";
            default:
                var at = random.Next(draft.Target.Length + 1);
                draft.Target = draft.Target.Insert(at, OddText.Pick(s_bytes, random));
                if (random.Next(4) == 0) draft.Target = OddText.Pick((string[])["*", "", "x", "http://other.example/v1/models", "//v1/models", "http://", "/" + new string('/', 500), "/v1/jobs/../../x"], random);
                draft.MayBreakProtocol = true;
                return "target bytes";
        }
    }

    private static string ReplaceSegment(string target, string by, Random random)
    {
        var query = target.IndexOf('?', StringComparison.Ordinal);
        var (path, rest) = query < 0 ? (target, "") : (target[..query], target[query..]);
        var segments = path.Split('/');
        segments[random.Next(Math.Min(1, segments.Length - 1), segments.Length)] = by;
        return string.Join('/', segments) + rest;
    }

    private static string ReplaceValue(string target, Random random)
    {
        var query = target.IndexOf('?', StringComparison.Ordinal);
        var pairs = target[(query + 1)..].Split('&');
        var at = random.Next(pairs.Length);
        var name = pairs[at].Split('=')[0];
        pairs[at] = random.Next(6) switch
        {
            0 => name,
            1 => $"{name}={Escaped(random)}&{name}={Escaped(random)}",
            2 => $"{name.ToUpperInvariant()}={Escaped(random)}",
            3 => $"{name}[]={Escaped(random)}",
            _ => $"{name}={Escaped(random)}",
        };
        return $"{target[..(query + 1)]}{string.Join('&', pairs)}";
    }

    private static string Escaped(Random random) => Uri.EscapeDataString(OddText.Draw(random, 2_000));
}
