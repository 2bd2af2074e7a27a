using Emu3.Cli;
using Emu3.Cli.Models;

namespace Emu3.Tests.Unit.Cli.Models;

[Trait("Suite", "Fast")]
public sealed class CheckpointManifestTests
{
    private static readonly string s_hash = new('a', 64);

    [Fact]
    public void Parse_OfWhatSha256sumWrites_GivesNamesAndHashes()
    {
        var files = CheckpointManifest.Parse($"{s_hash.ToUpperInvariant()}  ./config.json\r\n{s_hash} *model.safetensors\n\n{s_hash}  text tokens/vocab.json\n{s_hash}  ./SHA256SUMS\n");

        Assert.Equal(["config.json", "model.safetensors", "text tokens/vocab.json"], files.Keys.Order(StringComparer.Ordinal));
        Assert.All(files.Values, hash => Assert.Equal(s_hash, hash));
    }

    [Theory]
    [InlineData("abc  config.json", "Line 1 of SHA256SUMS is not a hash")]
    [InlineData("@ config.json", "Line 1 of SHA256SUMS is not a hash")]
    [InlineData("@  ", "Line 1 of SHA256SUMS is not a hash")]
    [InlineData("@  a\n@  ../b", "Line 2 of SHA256SUMS names '../b'")]
    [InlineData("@  /etc/passwd", "names '/etc/passwd'")]
    [InlineData("@  a/./b", "names 'a/./b'")]
    [InlineData("@  a\\nb", "names 'a\\nb'")]
    [InlineData("@  a\n@  ./a", "Line 2 of SHA256SUMS names a again")]
    [InlineData("", "names no files")]
    [InlineData("@  SHA256SUMS", "names no files")]
    public void Parse_OfAnythingElse_NamesTheLine(string text, string reason)
    {
        var wrong = Assert.Throws<CommandException>(() => CheckpointManifest.Parse(text.Replace("@", s_hash, StringComparison.Ordinal)));
        Assert.Contains(reason, wrong.Message, StringComparison.Ordinal);
    }
}
