using Emu3.Gateway.Files;
using Microsoft.Net.Http.Headers;

namespace Emu3.Tests.Unit.Gateway.Files;

[Trait("Suite", "Fast")]
public sealed class FileNameTests
{
    [Theory]
    [InlineData("lines.jsonl", "lines.jsonl")]
    [InlineData("../../etc/passwd", "passwd")]
    [InlineData(@"..\..\windows\system.ini", "system.ini")]
    [InlineData("/etc/shadow", "shadow")]
    [InlineData("C:evil.txt", "evil.txt")]
    [InlineData("a/..", "file")]
    [InlineData("..", "file")]
    [InlineData(".", "file")]
    [InlineData("", "file")]
    [InlineData(null, "file")]
    [InlineData("a/b/", "file")]
    [InlineData("a\0b\r\nc.png", "abc.png")]
    [InlineData("safe\u202Egnp.exe", "safegnp.exe")]
    [InlineData(" Bild 1.png ", "Bild 1.png")]
    [InlineData("Küche 台所.png", "Küche 台所.png")]
    public void Name_IsNoPath_AndHasNothingHidden(string? name, string cleaned) => Assert.Equal(cleaned, FileName.Clean(name));

    [Theory]
    [InlineData("form-data; name=\"file\"; filename=\"a.png\"", "a.png")]
    [InlineData("form-data; name=\"file\"; filename=\"a.png\"; filename*=UTF-8''K%C3%BCche.png", "Küche.png")]
    [InlineData("form-data; name=\"file\"; filename=\"a.png\"; filename*=UTF-8''..%2f..%2fetc%2fpasswd", "passwd")]
    [InlineData("form-data; name=\"file\"; filename=\"a.png\"; filename*=UTF-7''x", "a.png")]
    [InlineData("form-data; name=\"file\"; filename=\"a.png\"; filename*=none''x", "a.png")]
    [InlineData("form-data; name=\"file\"; filename*=UTF-8''%ff%fe", "file")]
    [InlineData("form-data; name=\"file\"", "file")]
    public void Name_InAForm_IsTheOneThatCanBeRead(string part, string name) => Assert.Equal(name, FileName.Of(ContentDispositionHeaderValue.Parse(part)));

    [Fact]
    public void Name_ThatIsLong_IsCut_AndNoCharacterInHalf()
    {
        var cleaned = FileName.Clean(new string('a', 254) + "😀.png");

        Assert.Equal(new string('a', 254), cleaned);
    }

    [Fact]
    public void Name_WithHalfACharacter_LosesIt() => Assert.Equal("ab", FileName.Clean("a\uD83Db"));
}
