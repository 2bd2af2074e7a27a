using System.Globalization;
using System.Text;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>Changes multipart forms: boundary, parts, names, and names of files.</summary>
internal static class FormMutator
{
    public const string Boundary = "fuzz-7d1e5c";

    private static readonly string[] s_fileNames =
    [
        "../../../../etc/passwd", "..\\..\\x.png", "/etc/passwd", "C:\\Windows\\x", "a/../../b", "%2e%2e%2fx", "con", ".", "..", "...", "", " ", "a\tb", "a;b", "a\\\"b", "\xe2\x80\xae\x67\x6e\x70.exe", "\xff\xfe",
        ".htaccess", "a\0b", "file:///x", "~/x", "\\\\server\\share", "x.png/", "\xf0\x9f\x98\x80.png", "|sh", "$(id)", "`id`",
    ];

    /// <summary>A form of these parts; those with a file name are files.</summary>
    public static string Write(IEnumerable<(string Name, string? File, string Content)> parts)
    {
        var text = new StringBuilder();
        foreach (var (name, file, content) in parts)
        {
            text.Append(CultureInfo.InvariantCulture, $"--{Boundary}\r\nContent-Disposition: form-data; name=\"{name}\"").Append(file is null ? "\r\n" : $"; filename=\"{file}\"\r\nContent-Type: application/octet-stream\r\n");
            text.Append("\r\n").Append(content).Append("\r\n");
        }

        return text.Append($"--{Boundary}--\r\n").ToString();
    }

    /// <summary>Changes the draft's form; tells what was done.</summary>
    public static string Mutate(RequestDraft draft, Random random)
    {
        var body = draft.Body;
        var name = $"name=\"{OddText.Pick((string[])["purpose", "file", "expires_after[anchor]", "expires_after[seconds]"], random)}\"";
        switch (random.Next(16))
        {
            case 0:
                return SetType(draft, OddText.Pick((string[])["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"", "multipart/form-data; boundary=other",
                "multipart/mixed; boundary=" + Boundary, "multipart/form-data; boundary=" + new string('b', 300), "multipart/form-data; boundary=\"a b\"", "multipart/form-data; boundary=" + Boundary + "; boundary=x"], random), "form boundary");
            case 1: draft.Body = body[..random.Next(body.Length)]; return "form cut";
            case 2: draft.Body = body.Replace($"--{Boundary}--", OddText.Pick((string[])["", $"--{Boundary}", "--", $"--{Boundary}-"], random), StringComparison.Ordinal); return "form without end";
            case 3: draft.Body = body.Replace(name, $"name=\"{OddText.Draw(random, 5_000)}\"", StringComparison.Ordinal); return "form name";
            case 4: draft.Body = body.Replace(name, "", StringComparison.Ordinal); return "form without name";
            case 5 or 6 or 7: draft.Body = ReplaceFileName(body, random); return "form file name";
            case 8: draft.Body = Part(body, random) + body; return "form part twice";
            case 9: draft.Body = string.Concat(Enumerable.Repeat(Part(body, random), OddText.Pick((int[])[15, 40, 2_000], random))) + body; return "form many parts";
            case 10: draft.Body = body.Replace("\r\n", OddText.Pick((string[])["\n", "\r", "\r\r\n", "\n\r"], random), StringComparison.Ordinal); return "form line ends";
            case 11: draft.Body = body.Replace("Content-Disposition", OddText.Pick((string[])["X-Disposition", "Content-Disposition: form-data\r\nContent-Disposition", "\0", "", " ", new string('h', 20_000)], random), StringComparison.Ordinal); return "form part headers";
            case 12: draft.Body = ReplaceContent(body, OddText.Draw(random, 3_000)); return "form content";
            case 13: draft.Body = body.Replace("octet-stream", $"octet-stream\r\n{string.Concat(Enumerable.Range(0, 40).Select(number => $"X-{number}: y\r\n"))}Z: z", StringComparison.Ordinal); return "form many part headers";
            case 14: draft.Body = ReplaceContent(body, Write([("file", "inner", "x")]).Replace(Boundary, "inner", StringComparison.Ordinal)); return "form in a form";
            default: draft.Body = OddText.Garble(body, random); return "form bytes";
        }
    }

    private static string SetType(RequestDraft draft, string type, string name)
    {
        draft.SetHeader("Content-Type", type);
        return name;
    }

    private static string ReplaceFileName(string body, Random random)
    {
        var at = body.IndexOf("filename=\"", StringComparison.Ordinal);
        if (at < 0) return body;
        var end = body.IndexOf("\r\n", at, StringComparison.Ordinal);
        var odd = OddText.Pick(s_fileNames, random);
        var written = random.Next(4) switch
        {
            0 => $"filename*=UTF-8''{Uri.EscapeDataString(odd)}",
            1 => $"filename={odd}",
            2 => $"filename=\"a\"; filename*={OddText.Pick((string[])["UTF-8''%ff%fe", "x''y", "''", "UTF-8''..%2f..%2fx", "UTF-7''x", "'"], random)}",
            _ => $"filename=\"{odd}\"",
        };
        return end < 0 ? body : $"{body[..at]}{written}{body[end..]}";
    }

    private static string ReplaceContent(string body, string content)
    {
        var from = body.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var end = from < 0 ? -1 : body.IndexOf("\r\n--", from + 4, StringComparison.Ordinal);
        return end < 0 ? body : $"{body[..(from + 4)]}{content}{body[end..]}";
    }

    /// <summary>One of the parts, with the boundary before it.</summary>
    private static string Part(string body, Random random)
    {
        var parts = body.Split($"--{Boundary}").Skip(1).SkipLast(1).ToList();
        return parts.Count == 0 ? "" : $"--{Boundary}{OddText.Pick(parts, random)}";
    }
}
