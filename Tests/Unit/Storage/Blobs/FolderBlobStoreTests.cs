using Emu3.Storage.Blobs;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Unit.Storage.Blobs;

[Trait("Suite", "Fast")]
public sealed class FolderBlobStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FolderBlobStore _store;

    public FolderBlobStoreTests() => _store = new FolderBlobStore(_folder.PathTo("blobs"));

    public void Dispose() => _folder.Dispose();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Write_ThenRead_GivesTheBytes_AndReplacingThemWorks()
    {
        await _store.WriteAsync("tenant/job_1/0/abc", new byte[] { 1, 2, 3 }, Cancellation);
        await _store.WriteAsync("tenant/job_1/0/abc", new byte[] { 4, 5 }, Cancellation);

        Assert.Equal([4, 5], await _store.ReadAsync("tenant/job_1/0/abc", Cancellation));
        await using var stream = await _store.OpenReadAsync("tenant/job_1/0/abc", Cancellation);
        Assert.Equal(2, stream!.Length);
    }

    [Fact]
    public async Task Read_OfAMissingKey_GivesNull()
    {
        Assert.Null(await _store.ReadAsync("tenant/job_1/0/abc", Cancellation));
        Assert.Null(await _store.OpenReadAsync("none", Cancellation));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a//b")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("..")]
    [InlineData("a/../b")]
    [InlineData("a/./b")]
    [InlineData(".tmp/a")]
    [InlineData("a/.hidden")]
    [InlineData("a\\b")]
    [InlineData("a b")]
    [InlineData("a:b")]
    [InlineData("ä")]
    public async Task Key_OutsideTheAllowedForm_IsRefused(string key)
    {
        await Assert.ThrowsAsync<ArgumentException>(() => _store.WriteAsync(key, ReadOnlyMemory<byte>.Empty, Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => _store.ReadAsync(key, Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => _store.DeletePrefixAsync(key, Cancellation));
    }

    [Fact]
    public async Task Delete_RemovesOneFile_AndMayBeRepeated()
    {
        await _store.WriteAsync("a/1", new byte[] { 1 }, Cancellation);
        await _store.WriteAsync("a/2", new byte[] { 2 }, Cancellation);

        await _store.DeleteAsync("a/1", Cancellation);
        await _store.DeleteAsync("a/1", Cancellation);
        await _store.DeleteAsync("never/was", Cancellation);

        Assert.Null(await _store.ReadAsync("a/1", Cancellation));
        Assert.NotNull(await _store.ReadAsync("a/2", Cancellation));
    }

    [Fact]
    public async Task DeletePrefix_RemovesWhatIsBelow_AndNothingBeside()
    {
        await _store.WriteAsync("t/job_1/0/x", new byte[] { 1 }, Cancellation);
        await _store.WriteAsync("t/job_10/0/x", new byte[] { 2 }, Cancellation);

        await _store.DeletePrefixAsync("t/job_1", Cancellation);
        await _store.DeletePrefixAsync("t/job_1", Cancellation);

        Assert.Null(await _store.ReadAsync("t/job_1/0/x", Cancellation));
        Assert.NotNull(await _store.ReadAsync("t/job_10/0/x", Cancellation));
    }

    [Fact]
    public async Task Open_RemovesOldLeftoversOnly()
    {
        await File.WriteAllTextAsync(_folder.PathTo("blobs", ".tmp", "old"), "", Cancellation);
        await File.WriteAllTextAsync(_folder.PathTo("blobs", ".tmp", "new"), "", Cancellation);
        File.SetLastWriteTimeUtc(_folder.PathTo("blobs", ".tmp", "old"), TimeProvider.System.GetUtcNow().UtcDateTime.AddDays(-2));

        _ = new FolderBlobStore(_folder.PathTo("blobs"));

        Assert.Equal(["new"], Directory.GetFiles(_folder.PathTo("blobs", ".tmp")).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Write_Cancelled_LeavesTheOldFileAndNoTemporaryOne()
    {
        await _store.WriteAsync("a", new byte[] { 1 }, Cancellation);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _store.WriteAsync("a", new byte[] { 2 }, new CancellationToken(canceled: true)));

        Assert.Equal([1], await _store.ReadAsync("a", Cancellation));
        Assert.Empty(Directory.GetFiles(_folder.PathTo("blobs", ".tmp")));
    }

    [Fact]
    public async Task Write_OfAStream_GivesItsBytesAndTheirNumber()
    {
        var content = new byte[(1 << 20) + 17];
        new Random(1).NextBytes(content);

        Assert.Equal(content.Length, await _store.WriteAsync("t/files/a", new MemoryStream(content), Cancellation));
        Assert.Equal(content, await _store.ReadAsync("t/files/a", Cancellation));
        Assert.Equal(0, await _store.WriteAsync("t/files/a", new MemoryStream(), Cancellation));
        Assert.Empty((await _store.ReadAsync("t/files/a", Cancellation))!);
    }

    [Fact]
    public async Task Write_OfAStreamThatBreaks_LeavesTheOldFileAndNoTemporaryOne()
    {
        await _store.WriteAsync("a", new byte[] { 1 }, Cancellation);

        await Assert.ThrowsAsync<InvalidDataException>(() => _store.WriteAsync("a", new BreakingStream(new byte[1 << 19]), Cancellation));

        Assert.Equal([1], await _store.ReadAsync("a", Cancellation));
        Assert.Empty(Directory.GetFiles(_folder.PathTo("blobs", ".tmp")));
    }

    private sealed class BreakingStream(byte[] begin) : MemoryStream(begin)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            await base.ReadAsync(buffer, cancellationToken) is var count and > 0 ? count : throw new InvalidDataException("cut");
    }
}
