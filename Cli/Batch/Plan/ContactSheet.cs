using System.Globalization;
using System.Net;
using System.Text;

namespace Emu3.Cli.Batch.Plan;

/// <summary>One picture or answer on a contact sheet.</summary>
/// <param name="Picture">Path of the picture from the sheet, with <c>/</c>; null where there is none.</param>
/// <param name="Title">The prompt, or the question.</param>
/// <param name="Text">The answer; null for a picture that was drawn.</param>
/// <param name="Note">Id and seed.</param>
internal sealed record ContactSheetEntry(string? Picture, string Title, string? Text, string Note);

/// <summary>The pages that show a batch: plain HTML, no script, no other file than the pictures themselves, so that it works from a disk.</summary>
internal static class ContactSheet
{
    /// <summary>Pictures of one page at most.</summary>
    public const int EntriesOnPage = 200;

    /// <summary>File name of a page, from 1: <c>index.html</c>, <c>index-2.html</c> …</summary>
    public static string PageName(int page) => page == 1 ? "index.html" : $"index-{page.ToString(CultureInfo.InvariantCulture)}.html";

    /// <summary>All pages, with their file names. No entries still make one page.</summary>
    public static IEnumerable<(string Name, string Html)> Pages(string title, IReadOnlyList<ContactSheetEntry> entries)
    {
        var pageCount = Math.Max(1, (entries.Count + EntriesOnPage - 1) / EntriesOnPage);
        for (var page = 1; page <= pageCount; page++)
        {
            yield return (PageName(page), Page(title, entries, page, pageCount));
        }
    }

    private static string Page(string title, IReadOnlyList<ContactSheetEntry> entries, int page, int pageCount)
    {
        var first = (page - 1) * EntriesOnPage;
        var html = new StringBuilder($$"""
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>{{Text(title)}}</title>
            <style>
              body { font: 14px/1.4 system-ui, sans-serif; margin: 1.5rem; color: #222; background: #fff; }
              main { display: grid; grid-template-columns: repeat(auto-fill, minmax(160px, 1fr)); gap: 1rem; }
              figure { margin: 0; }
              img { width: 100%; height: 160px; object-fit: contain; background: #f2f2f2; image-rendering: auto; }
              small { color: #777; overflow-wrap: anywhere; }
              nav { margin: 1rem 0; }
            </style>
            <h1>{{Text(title)}}</h1>

            """);
        var pages = Navigation(page, pageCount);
        html.Append(pages).Append("<main>\n");
        foreach (var entry in entries.Skip(first).Take(EntriesOnPage))
        {
            html.Append("<figure>");
            if (entry.Picture is { } picture)
            {
                html.Append(CultureInfo.InvariantCulture, $"<a href=\"{Url(picture)}\"><img loading=\"lazy\" src=\"{Url(picture)}\" alt=\"{Text(entry.Title)}\"></a>");
            }

            html.Append(CultureInfo.InvariantCulture, $"<figcaption>{Text(entry.Title)}");
            if (entry.Text is { } answer)
            {
                html.Append(CultureInfo.InvariantCulture, $"<br><b>{Text(answer)}</b>");
            }

            html.Append(CultureInfo.InvariantCulture, $"<br><small>{Text(entry.Note)}</small></figcaption></figure>\n");
        }

        return html.Append("</main>\n").Append(pages).Append("</html>\n").ToString();
    }

    private static string Navigation(int page, int pageCount) => pageCount == 1 ? "" : "<nav>" + string.Join(' ', Enumerable.Range(1, pageCount)
        .Select(number => number == page ? $"<b>{number}</b>" : $"<a href=\"{PageName(number)}\">{number}</a>")) + "</nav>\n";

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Url(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));
}
