using Emu3.Storage.Blobs;

namespace Emu3.Tests.Unit.Storage.Blobs;

/// <summary>What every blob store must do, in the words of <see cref="IBlobStore"/>. Each test has a store of its own.</summary>
public abstract class BlobStoreContract
{
    /// <summary>Empty at the start of a test.</summary>
    protected abstract IBlobStore Store { get; }

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Write_ThenRead_GivesTheBytes_AndReplacingThemWorks()
    {
        await Store.WriteAsync("tenant/job_1/0/abc", new byte[] { 1, 2, 3 }, Cancellation);
        await Store.WriteAsync("tenant/job_1/0/abc", new byte[] { 4, 5 }, Cancellation);

        Assert.Equal([4, 5], await Store.ReadAsync("tenant/job_1/0/abc", Cancellation));
        await using var stream = await Store.OpenReadAsync("tenant/job_1/0/abc", Cancellation);
        Assert.Equal(2, stream!.Length);
    }

    [Fact]
    public async Task Read_OfAMissingKey_GivesNull()
    {
        Assert.Null(await Store.ReadAsync("tenant/job_1/0/abc", Cancellation));
        Assert.Null(await Store.OpenReadAsync("none", Cancellation));
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
        await Assert.ThrowsAsync<ArgumentException>(() => Store.WriteAsync(key, ReadOnlyMemory<byte>.Empty, Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.ReadAsync(key, Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.DeletePrefixAsync(key, Cancellation));
    }

    [Fact]
    public async Task Delete_RemovesOneFile_AndMayBeRepeated()
    {
        await Store.WriteAsync("a/1", new byte[] { 1 }, Cancellation);
        await Store.WriteAsync("a/2", new byte[] { 2 }, Cancellation);

        await Store.DeleteAsync("a/1", Cancellation);
        await Store.DeleteAsync("a/1", Cancellation);
        await Store.DeleteAsync("never/was", Cancellation);

        Assert.Null(await Store.ReadAsync("a/1", Cancellation));
        Assert.NotNull(await Store.ReadAsync("a/2", Cancellation));
    }

    [Fact]
    public async Task DeletePrefix_RemovesWhatIsBelow_AndNothingBeside()
    {
        await Store.WriteAsync("t/job_1/0/x", new byte[] { 1 }, Cancellation);
        await Store.WriteAsync("t/job_10/0/x", new byte[] { 2 }, Cancellation);

        await Store.DeletePrefixAsync("t/job_1", Cancellation);
        await Store.DeletePrefixAsync("t/job_1", Cancellation);

        Assert.Null(await Store.ReadAsync("t/job_1/0/x", Cancellation));
        Assert.NotNull(await Store.ReadAsync("t/job_10/0/x", Cancellation));
    }

    [Fact]
    public async Task Write_OfAStream_GivesItsBytesAndTheirNumber()
    {
        var content = new byte[(1 << 20) + 17];
        new Random(1).NextBytes(content);

        Assert.Equal(content.Length, await Store.WriteAsync("t/files/a", new MemoryStream(content), Cancellation));
        Assert.Equal(content, await Store.ReadAsync("t/files/a", Cancellation));
        Assert.Equal(0, await Store.WriteAsync("t/files/a", new MemoryStream(), Cancellation));
        Assert.Empty((await Store.ReadAsync("t/files/a", Cancellation))!);
    }

    [Fact]
    public async Task Write_OfAStreamThatBreaks_ThrowsWhatItThrew_AndLeavesTheOldFile()
    {
        await Store.WriteAsync("a", new byte[] { 1 }, Cancellation);

        // Within the first part of an upload, and behind several.
        foreach (var length in (int[])[1 << 19, 30 << 20])
            await Assert.ThrowsAsync<InvalidDataException>(() => Store.WriteAsync("a", new BreakingStream(new byte[length]), Cancellation));

        Assert.Equal([1], await Store.ReadAsync("a", Cancellation));
    }

    [Fact]
    public async Task Write_Cancelled_LeavesTheOldFile()
    {
        await Store.WriteAsync("a", new byte[] { 1 }, Cancellation);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.WriteAsync("a", new byte[] { 2 }, new CancellationToken(canceled: true)));
        using var soon = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.WriteAsync("a", new EndlessStream(32 << 20, soon.Cancel), soon.Token));

        Assert.Equal([1], await Store.ReadAsync("a", Cancellation));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8 << 20)]
    [InlineData((16 << 20) + 1)]
    [InlineData(40 << 20)]
    public async Task Write_OfAStreamOfAnyLength_GivesItsBytes(int length)
    {
        var content = Bytes(length);

        // Reading pieces of odd sizes, as a request's body gives them.
        Assert.Equal(length, await Store.WriteAsync("t/files/long", new CrumblyStream(content), Cancellation));

        var read = await Store.ReadAsync("t/files/long", Cancellation);
        Assert.True(content.AsSpan().SequenceEqual(read));
    }

    [Fact]
    public async Task Open_GivesAStreamThatSeeks_ByWhichRangesAreServed()
    {
        var content = Bytes(3 << 20);
        await Store.WriteAsync("t/files/a", content, Cancellation);
        await using var stream = (await Store.OpenReadAsync("t/files/a", Cancellation))!;
        Assert.True(stream is { CanSeek: true, Length: 3 << 20, Position: 0 });

        foreach (var (from, count) in ((int, int)[])[(0, 10), (1 << 20, 100_000), (17, 1), (stream.Length is var end ? (int)end - 5 : 0, 5), (0, 3 << 20)])
        {
            Assert.Equal(from, stream.Seek(from, SeekOrigin.Begin));
            var read = new byte[count];
            await stream.ReadExactlyAsync(read, Cancellation);
            Assert.True(content.AsSpan(from, count).SequenceEqual(read));
            Assert.Equal(from + count, stream.Position);
        }

        Assert.Equal(0, await stream.ReadAsync(new byte[1], Cancellation));
        stream.Seek(10, SeekOrigin.End);
        Assert.Equal(0, await stream.ReadAsync(new byte[1], Cancellation));
    }

    [Fact]
    public async Task Replacing_WhileOthersRead_GivesThemTheOldOrTheNew()
    {
        byte[] Whole(byte value) => [.. Enumerable.Repeat(value, 100_000)];
        await Store.WriteAsync("ckpt/job_1/0", Whole(0), Cancellation);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var reads = Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            var count = 0;
            for (; !stop.IsCancellationRequested; count++)
                Assert.Single((await Store.ReadAsync("ckpt/job_1/0", Cancellation))!.Distinct());
            return count;
        }));
        for (byte value = 1; value <= 30; value++) await Store.WriteAsync("ckpt/job_1/0", Whole(value), Cancellation);
        await stop.CancelAsync();

        Assert.All(await reads, count => Assert.True(count > 0));
        Assert.Equal(30, (await Store.ReadAsync("ckpt/job_1/0", Cancellation))![0]);
    }

    [Fact]
    public async Task DeletePrefix_OfMoreThanAPageOfAListHolds_RemovesAll()
    {
        const int Count = 130; // a hundred are listed at a time
        await Parallel.ForEachAsync(Enumerable.Range(0, Count), new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Cancellation },
            async (number, token) => await Store.WriteAsync($"t/job_many/{number}", new byte[] { 1 }, token));
        await Store.WriteAsync("t/job_many2", new byte[] { 1 }, Cancellation);

        await Store.DeletePrefixAsync("t/job_many", Cancellation);

        var left = new System.Collections.Concurrent.ConcurrentBag<int>();
        await Parallel.ForEachAsync(Enumerable.Range(0, Count), new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Cancellation }, async (number, token) =>
        {
            if (await Store.ReadAsync($"t/job_many/{number}", token) is not null) left.Add(number);
        });
        Assert.Empty(left);
        Assert.NotNull(await Store.ReadAsync("t/job_many2", Cancellation));
    }

    [Fact]
    public async Task Content_OfNothing_IsAFileAllTheSame()
    {
        await Store.WriteAsync("t/empty", ReadOnlyMemory<byte>.Empty, Cancellation);

        Assert.Empty((await Store.ReadAsync("t/empty", Cancellation))!);
        await using var stream = (await Store.OpenReadAsync("t/empty", Cancellation))!;
        Assert.Equal((0, 0), (stream.Length, await stream.ReadAsync(new byte[1], Cancellation)));
    }

    protected static byte[] Bytes(int length)
    {
        var content = new byte[length];
        new Random(length).NextBytes(content);
        return content;
    }

    private sealed class BreakingStream(byte[] begin) : MemoryStream(begin)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            await base.ReadAsync(buffer, cancellationToken) is var count and > 0 ? count : throw new InvalidDataException("cut");
    }

    private sealed class CrumblyStream(byte[] content) : MemoryStream(content)
    {
        public override bool CanSeek => false;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer[..Math.Min(buffer.Length, 70_001)], cancellationToken);
    }

    /// <summary>Has no end, and tells when so many bytes were taken.</summary>
    private sealed class EndlessStream(long tellAfter, Action tell) : MemoryStream
    {
        private long _given;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            buffer.Span.Clear();
            if ((_given += buffer.Length) >= tellAfter) tell();
            return ValueTask.FromResult(buffer.Length);
        }
    }
}
