namespace Emu3.Benchmarks.Fuzz;

/// <summary>Texts that programs stumble over, as bytes in Latin-1.</summary>
internal static class OddText
{
    /// <summary>Without a rule of HTTP or JSON being broken.</summary>
    public static IReadOnlyList<string> Words { get; } =
    [
        "", " ", "0", "-1", "1e9", "true", "null", "NaN", "undefined", "[object Object]", "../../../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "C:\\x", "con", ".", "..",
        "a/b", "a:b", "%", "%s%s%n", "{0}", "${jndi:ldap://127.0.0.1/x}", "' OR 1=1 --", "<script>alert(1)</script>", "a\tb", "job_", "file-", "batch_", "key_",
        "job_00000000000000000000000000000000", "job_0000000000000000000000000000000G", "JOB_00000000000000000000000000000000", "job_00000000000000000000000000000000/0",
        "file-00000000000000000000000000000000", "file-00000000000000000000000000000000-output", "file-00000000000000000000000000000000-99999999999",
        "batch_00000000000000000000000000000000", "key_0000000000000000", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "2147483647",
        "2147483648", "0x10", "1.5", "１２", "2026-02-30", "0001-01-01", "9999-12-31", "65536x1", "1x65537", "0x65536", "65536x65536", "1.1.1.1.1", "-", "x", "1x", "auto", "0:0", "99999999999:1", "1:", ":",
    ];

    /// <summary>An odd text, sometimes a very long one.</summary>
    public static string Draw(Random random, int longest = 100_000)
    {
        switch (random.Next(12))
        {
            case 0: return new((char)random.Next('!', '~'), random.Next(1, longest));
            case 1: return RequestDraft.Bytes(Unusual(random));
            case 2: return string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => (char)random.Next(' ', '\x7f')));
            default: return RequestDraft.Bytes(Pick(Words, random));
        }
    }

    public static T Pick<T>(IReadOnlyList<T> list, Random random) => list[random.Next(list.Count)];

    /// <summary>Text with some bytes changed, put in, or taken out.</summary>
    public static string Garble(string text, Random random)
    {
        for (var times = random.Next(1, 6); times > 0; times--)
        {
            var at = random.Next(text.Length + 1);
            text = random.Next(3) switch
            {
                0 => text.Insert(at, $"{(char)random.Next(256)}"),
                1 when at < text.Length => text.Remove(at, random.Next(1, Math.Min(9, text.Length - at + 1))),
                _ when at < text.Length => text.Remove(at, 1).Insert(at, $"{(char)random.Next(256)}"),
                _ => text,
            };
        }

        return text;
    }

    private static string Unusual(Random random) => Pick((string[])
        ["\u0000", "\u202e\u0041\u0301", "\ufeff", "\u200b", "👩‍👩‍👧‍👦", "İıſK", "ﷺ", "\ufffe", "𝕏", "\u2028", "ß", "日本語", "\u0007", "A\u030a\u0327", "\uE000"], random);
}
