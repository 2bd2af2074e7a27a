using Emu3.Storage.Blobs;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Unit.Storage.Blobs;

[Trait("Suite", "Fast")]
public sealed class FolderBlobStoreTests : BlobStoreContract, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FolderBlobStore _store;

    public FolderBlobStoreTests() => _store = new FolderBlobStore(_folder.PathTo("blobs"));

    public void Dispose() => _folder.Dispose();

    protected override IBlobStore Store => _store;

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
