using System.Text;
using Emu3.Gateway.Files;
using Emu3.Gateway.Jobs;

namespace Emu3.Tests.Unit.Gateway.Files;

[Trait("Suite", "Fast")]
public sealed class UploadStreamTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", 0)]
    [InlineData("a", 1)]
    [InlineData("a\n", 1)]
    [InlineData("a\nb", 2)]
    [InlineData("a\nb\n", 2)]
    public async Task Lines_AreCounted_WithAndWithoutAnEnd(string text, long lines)
    {
        await using var upload = new UploadStream(new MemoryStream(Encoding.UTF8.GetBytes(text)), 100);
        await upload.CopyToAsync(Stream.Null, Cancellation);

        Assert.Equal((lines, text.Length), (upload.LineCount, upload.ByteCount));
    }

    [Fact]
    public async Task File_LargerThanAllowed_Is413WithTheLimit()
    {
        await using var upload = new UploadStream(new MemoryStream(new byte[11]), 10);
        var refusal = await Assert.ThrowsAsync<MalformedBodyException>(() => upload.CopyToAsync(Stream.Null, Cancellation));

        Assert.Equal(413, refusal.StatusCode);
        Assert.Contains("10 bytes", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Form_ThatBreaksOff_IsTheClientsFault()
    {
        await using var upload = new UploadStream(new BrokenStream(), 10);

        Assert.Equal(400, (await Assert.ThrowsAsync<MalformedBodyException>(() => upload.CopyToAsync(Stream.Null, Cancellation))).StatusCode);
    }

    private sealed class BrokenStream : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new IOException("cut");
    }
}
