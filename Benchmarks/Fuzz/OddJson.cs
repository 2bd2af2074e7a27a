using System.Globalization;
using System.Text;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>JSON values, and what looks like some, as bytes in Latin-1.</summary>
internal static class OddJson
{
    private static readonly string[] s_numbers =
    [
        "0", "-0", "-0.0", "1", "-1", "0.5", "1.0", "1.5", "1e0", "1E+2", "5e-1", "1e400", "-1e400", "1e-400", "1e99999999999", "2147483647", "2147483648", "-2147483649", "4294967296",
        "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "1.0000000000000000000000000000001",
        "0.1e1", "10000000000000000000000000000000000000000", "3.4028236e38", "1.7976931348623159e308", "4.9e-324",
    ];

    private static readonly string[] s_noValues =
        ["NaN", "Infinity", "-Infinity", "+1", "01", "1.", ".5", "0x10", "1e", "-", "tru", "undefined", "'a'", "\"a", "\"\\x\"", "\"\\u12\"", "//", "/**/1", "\"\t\"", "\"\x01\"", "}", "]", ",", ":", "",
            "\"\xff\xfe\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "\xef\xbb\xbf{}"];

    private static readonly string[] s_texts =
    [
        "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"a\\ud800b\"", "\"\\u0000\"", "\"\\u202e\"", "\"\\ufffe\\uffff\"", "\"\\/\\b\\f\\n\\r\\t\"", "\"1\"", "\"1e400\"", "\"-1\"", "\"NaN\"", "\"true\"", "\"null\"",
        "\"data:\"", "\"data:,\"", "\"data:image/png;base64,\"", "\"data:image/png;base64,!!!!\"", "\"data:image/png;base64,AAAA\"", "\"data:image/png;base64,iVBORw0KGgo\"",
        "\"DATA:text/html;base64,PGI+\"", "\"http://169.254.169.254/latest\"", "\"file:///etc/passwd\"", "\"file-00000000000000000000000000000000\"", "\"simulated\\u0000\"", "\"64X64\"", "\"16x16\"",
        "\"-1x5\"", "\"1024x1024\"", "\"exact\"", "\"webp\"", "\"high\"", "\"system\"", "\"assistant\"", "\"url\"", "\"/v1/images/generations\"", "\"1h\"", "\"999999999999h\"", "\"9999999d\"", "\"0d\"",
        Picture(65_535, 65_535), Picture(int.MaxValue, int.MaxValue), Picture(-1, 5), Picture(0, 0), Picture(13_378, 13_378),
    ];

    /// <summary>A value; mostly one that is JSON.</summary>
    public static string Draw(Random random) => random.Next(16) switch
    {
        < 4 => OddText.Pick(s_numbers, random),
        < 7 => OddText.Pick(s_texts, random),
        < 9 => Quote(OddText.Draw(random)),
        9 => OddText.Pick((string[])["true", "false"], random),
        10 => OddText.Pick((string[])["null", "[]", "{}", "\"\"", "[null]", "[[]]", "{\"\":null}"], random),
        11 => Deep(random),
        12 => OddText.Pick(s_noValues, random),
        13 => Array(random),
        14 => Quote(new string('x', 1 << random.Next(8, 17))),
        _ => Random(random, 3),
    };

    /// <summary>Any JSON.</summary>
    public static string Random(Random random, int depth) => (depth == 0 ? 0 : random.Next(3)) switch
    {
        1 => $"[{string.Join(',', Enumerable.Range(0, random.Next(5)).Select(_ => Random(random, depth - 1)))}]",
        2 => $"{{{string.Join(',', Enumerable.Range(0, random.Next(5)).Select(_ => $"{Name(random)}:{Random(random, depth - 1)}"))}}}",
        _ => random.Next(2) == 0 ? OddText.Pick(s_numbers, random) : OddText.Pick(s_texts, random),
    };

    /// <summary>A name of a member: known ones at the wrong place, unknown ones, and such as other languages take for their own.</summary>
    public static string Name(Random random) => OddText.Pick((string[])
    [
        "\"prompt\"", "\"model\"", "\"n\"", "\"size\"", "\"messages\"", "\"items\"", "\"seed\"", "\"stream\"", "\"id\"", "\"defaults\"", "\"input_file_id\"", "\"name\"", "\"priority\"", "\"custom_id\"", "\"body\"",
        "\"url\"", "\"Prompt\"", "\"\"", "\"__proto__\"", "\"constructor\"", "\"$type\"", "\"a.b\"", "\"\\u0000\"", "\"\\ud800\"", "\"\xc3\xa9\"", "\"prompt \"", "\"extra_body\"", Quote(new string('k', 3_000)),
    ], random);

    private static string Deep(Random random)
    {
        var depth = OddText.Pick((int[])[5, 31, 32, 33, 64, 1_000, 100_000], random);
        var (open, close) = OddText.Pick(((string, string)[])[("[", "]"), ("{\"a\":", "}")], random);
        var text = new StringBuilder(depth * (open.Length + 1));
        for (var level = 0; level < depth; level++) text.Append(open);
        text.Append('1');
        for (var level = random.Next(4) == 0 ? 1 : 0; level < depth; level++) text.Append(close);
        return text.ToString();
    }

    private static string Array(Random random) =>
        $"[{string.Join(',', Enumerable.Repeat(OddText.Pick(s_texts, random), OddText.Pick((int[])[1, 2, 17, 300, 5_000], random)))}]";

    private static string Quote(string text) => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    /// <summary>A data URL of a PNG that is no more than its header.</summary>
    private static string Picture(int width, int height) => string.Create(CultureInfo.InvariantCulture,
        $"\"data:image/png;base64,{Convert.ToBase64String([0x89, .. "PNG\r\n"u8, 0x1A, (byte)'\n', 0, 0, 0, 13, .. "IHDR"u8, .. Big(width), .. Big(height), 8, 2, 0, 0, 0])}\"");

    private static byte[] Big(int number) => [(byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number];
}
