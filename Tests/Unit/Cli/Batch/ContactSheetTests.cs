using Emu3.Cli.Batch.Plan;

namespace Emu3.Tests.Unit.Cli.Batch;

[Trait("Suite", "Fast")]
public sealed class ContactSheetTests
{
    [Fact]
    public void Pages_TwoHundredEach_LinkEachOther()
    {
        var entries = Enumerable.Range(0, 401).Select(i => new ContactSheetEntry($"{i}.png", $"prompt {i}", null, "note")).ToList();
        var pages = ContactSheet.Pages("shapes", entries).ToList();
        Assert.Equal(["index.html", "index-2.html", "index-3.html"], pages.Select(page => page.Name));
        Assert.Equal([200, 200, 1], pages.Select(page => page.Html.Split("<figure>").Length - 1));
        Assert.Contains("<a href=\"index-3.html\">3</a>", pages[0].Html);
        Assert.Contains("src=\"400.png\"", pages[2].Html);
    }

    [Fact]
    public void Pages_HostileText_IsEscaped()
    {
        var html = Assert.Single(ContactSheet.Pages("<b>", [new("000/a b#1?.png", "<script>alert(1)</script>\" onload=\"x", "<i>", "&")])).Html;
        Assert.DoesNotContain("<script>", html);
        Assert.DoesNotContain("\" onload=\"", html);
        Assert.Contains("000/a%20b%231%3F.png", html);
        Assert.Contains("&lt;i&gt;", html);
        Assert.Contains("<title>&lt;b&gt;</title>", html);
    }

    [Fact]
    public void Pages_NothingYet_IsOnePage() => Assert.Single(ContactSheet.Pages("shapes", []));
}
