using CsCheck;
using Emu3.Grains.Interfaces;

namespace Emu3.Tests.Unit.Grains.Interfaces.Jobs;

[Trait("Suite", "Fast")]
public sealed class JobCursorTests
{
    [Theory]
    [InlineData(new int[0], "")]
    [InlineData(new[] { 0, 0 }, "")]
    [InlineData(new[] { 3 }, "3")]
    [InlineData(new[] { 256, 256, 256, 17, 0, 0, 4, 0 }, "256x3.17.0x2.4")]
    public void Text_Counts_AreWrittenOnceForARun(int[] seen, string text) => Assert.Equal(text, new JobCursor(seen).ToString());

    [Theory]
    [InlineData("256.256.0.7", new[] { 256, 256, 0, 7 })]
    [InlineData("0", new[] { 0 })]
    [InlineData("1x2.5", new[] { 1, 1, 5 })]
    public void Parse_OldAndNewTexts_AreRead(string text, int[] seen)
    {
        Assert.True(JobCursor.TryParse(text, out var cursor));
        Assert.Equal(seen, cursor.Seen);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("2147483648")]
    [InlineData("-1")]
    [InlineData("1..2")]
    [InlineData("1x0")]
    [InlineData("1x2x3")]
    [InlineData("x3")]
    [InlineData("1x")]
    [InlineData("1x 2")]
    [InlineData("0x2000000000")]
    [InlineData("0x65536.1")]
    public void Parse_AnythingElse_IsRefused(string? text) => Assert.False(JobCursor.TryParse(text, out _));

    [Fact]
    public void Text_AnyCursor_IsReadAsItWas() => Gen.OneOf(Gen.Const(0), Gen.Const(JobId.ItemsInShard), Gen.Int[0, JobId.ItemsInShard]).Array[0, 60].Sample(seen =>
    {
        Assert.True(JobCursor.TryParse(new JobCursor(seen).ToString(), out var cursor));
        Assert.All(Enumerable.Range(0, seen.Length + 2), shard => Assert.Equal(shard < seen.Length ? seen[shard] : 0, cursor.Of(shard)));
    });

    [Fact]
    public void Text_OfAJobOf100000Items_StaysShort()
    {
        // Shards are worked off in order, a few at a time.
        int[] seen = [.. Enumerable.Repeat(256, 300), 255, 12, 200, 0, 77, .. Enumerable.Repeat(0, 86)];
        Assert.Equal("256x300.255.12.200.0.77", new JobCursor(seen).ToString());
    }
}
