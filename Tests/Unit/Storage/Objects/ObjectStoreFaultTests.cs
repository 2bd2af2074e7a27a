using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using Amazon.S3.Model;
using Emu3.Benchmarks.Processes;
using Emu3.Storage.Objects;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Unit.Storage.Objects;

/// <summary>The store goes away and comes back, in the middle of whatever is done; keys are rotated; addresses are handed out.</summary>
[Trait("Suite", "Cluster")]
public sealed class ObjectStoreFaultTests(ObjectStoreFixture stores, ITestOutputHelper output) : IDisposable
{
    private static readonly TimeSpan s_outage = Outages.Of(TimeSpan.FromSeconds(3));
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(nameof(RelayWay.Refuses))]
    [InlineData(nameof(RelayWay.Silent))]
    [InlineData(nameof(RelayWay.Busy))]
    public async Task Outage_ShorterThanThePatience_FailsNoCall(string way)
    {
        using var relay = new FaultyRelay((await stores.CephAsync()).Port);
        var options = await stores.InCephAsync(relay.Endpoint);
        (options.AttemptTimeout, options.Patience) = (TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2));
        using var store = new S3BlobStore(options);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var (written, slowest) = (new ConcurrentDictionary<string, byte[]>(), TimeSpan.Zero);
        await store.WriteAsync("long", new byte[48 << 20], Cancellation);

        var writers = Enumerable.Range(0, 8).Select(async writer =>
        {
            for (var number = 0; !stop.IsCancellationRequested; number++)
            {
                var (key, content, began) = ($"w{writer}/{number}", Guid.NewGuid().ToByteArray(), Stopwatch.GetTimestamp());
                await store.WriteAsync(key, content, Cancellation);
                written[key] = content;
                if (Stopwatch.GetElapsedTime(began) is var took && took > slowest) slowest = took;
            }
        }).ToList();
        // One upload and one download of many parts are under way all the time.
        var upload = Task.Run(async () =>
        {
            for (var number = 0; !stop.IsCancellationRequested; number++) Assert.Equal(40 << 20, await store.WriteAsync($"up/{number}", new MemoryStream(new byte[40 << 20]), Cancellation));
        }, Cancellation);
        var download = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await using var stream = (await store.OpenReadAsync("long", Cancellation))!;
                using var all = new MemoryStream();
                await stream.CopyToAsync(all, Cancellation);
                Assert.Equal(48 << 20, all.Length);
            }
        }, Cancellation);

        await Task.Delay(TimeSpan.FromSeconds(0.5), TimeProvider.System, Cancellation);
        relay.Become(Enum.Parse<RelayWay>(way));
        await Task.Delay(s_outage, TimeProvider.System, Cancellation);
        var faults = relay.FaultCount;
        relay.Become(RelayWay.Through);
        var before = written.Count;
        while (written.Count < before + 16) await Task.WhenAny(writers.Append(Task.Delay(20, Cancellation)));
        await stop.CancelAsync();
        await Task.WhenAll([.. writers, upload, download]);

        output.WriteLine($"{written.Count} written, the slowest took {slowest.TotalSeconds:0.0} s, {faults} connections met the fault.");
        Assert.True(way == nameof(RelayWay.Refuses) || faults > 0, "Nothing met the fault.");
        await Parallel.ForEachAsync(written, Cancellation, async (pair, token) => Assert.Equal(pair.Value, await store.ReadAsync(pair.Key, token)));
        using var requests = new S3Requests(options);
        // A begin whose answer was lost leaves an upload that nobody knows: it has no parts, and is removed when it is old.
        await foreach (var begun in requests.ListUploadsAsync(options.Prefix + "/", Cancellation))
            Assert.Empty((await requests.Client.ListPartsAsync(options.Bucket, begun.Key, begun.UploadId, Cancellation)).Parts ?? []);
    }

    [Fact]
    public async Task Outage_LongerThanThePatience_IsAnErrorOfTheDiskKind_ThatNamesTheStore()
    {
        using var relay = new FaultyRelay((await stores.CephAsync()).Port);
        var options = await stores.InCephAsync(relay.Endpoint);
        (options.AttemptTimeout, options.Patience) = (TimeSpan.FromSeconds(0.3), TimeSpan.FromSeconds(0.5));
        using var store = new S3BlobStore(options);
        foreach (var way in (RelayWay[])[RelayWay.Refuses, RelayWay.Silent, RelayWay.Busy])
        {
            relay.Become(way);
            foreach (var call in (Func<Task>[])[() => store.WriteAsync("a", new byte[1], Cancellation), () => store.ReadAsync("a", Cancellation), () => store.OpenReadAsync("a", Cancellation),
                () => store.WriteAsync("a", new MemoryStream(new byte[20 << 20]), Cancellation), () => store.DeleteAsync("a", Cancellation), () => store.DeletePrefixAsync("a", Cancellation)])
            {
                var refused = await Assert.ThrowsAnyAsync<IOException>(call);
                Assert.StartsWith($"Bucket {options.Bucket} of the object store {relay.Endpoint}", refused.Message, StringComparison.Ordinal);
            }
        }

        relay.Become(RelayWay.Through);
        await store.WriteAsync("a", new byte[1], Cancellation);
    }

    /// <summary>Whoever waits for a store must know this failure from a bug: parts that end after it must not hide it.</summary>
    [Theory]
    [InlineData(nameof(RelayWay.Refuses))]
    [InlineData(nameof(RelayWay.Silent))]
    [InlineData(nameof(RelayWay.Busy))]
    public async Task Upload_WhoseStoreGoesAwayBetweenItsParts_FailsAsTheStoreDoes(string way)
    {
        using var relay = new FaultyRelay((await stores.CephAsync()).Port);
        var options = await stores.InCephAsync(relay.Endpoint);
        (options.AttemptTimeout, options.Patience, options.SlowestUpload) = (TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(0.5), 16 << 20);
        using var store = new S3BlobStore(options);
        for (var round = 0; round < 5; round++)
        {
            relay.Become(RelayWay.Through);
            await using var content = new WatchedContent(64 << 20, 24 << 20, () => relay.Become(Enum.Parse<RelayWay>(way)));

            var refused = await Assert.ThrowsAnyAsync<Exception>(() => store.WriteAsync("a", content, Cancellation));

            Assert.IsType<ObjectStoreException>(refused);
        }
    }

    [Fact]
    public async Task Body_ThatStalls_IsGoneOnWithAtItsPlace()
    {
        using var relay = new FaultyRelay((await stores.CephAsync()).Port);
        var options = await stores.InCephAsync(relay.Endpoint);
        options.AttemptTimeout = TimeSpan.FromSeconds(0.5);
        using var store = new S3BlobStore(options);
        var content = new byte[6 << 20];
        new Random(3).NextBytes(content);
        await store.WriteAsync("a", content, Cancellation);

        relay.StallAfter(2 << 20);
        var whole = await store.ReadAsync("a", Cancellation);
        Assert.True(content.AsSpan().SequenceEqual(whole));

        relay.StallAfter(2 << 20);
        await using var stream = (await store.OpenReadAsync("a", Cancellation))!;
        using var read = new MemoryStream();
        await stream.CopyToAsync(read, Cancellation);
        Assert.True(content.AsSpan().SequenceEqual(read.ToArray()));
    }

    [Fact]
    public async Task Stream_WhoseObjectIsReplaced_EndsWithAnError_AndNeverMixes()
    {
        var options = await stores.InCephAsync();
        using var store = new S3BlobStore(options);
        await store.WriteAsync("a", new byte[3 << 20], Cancellation);
        await using var stream = (await store.OpenReadAsync("a", Cancellation))!;
        await stream.ReadExactlyAsync(new byte[100], Cancellation);
        await store.WriteAsync("a", Enumerable.Repeat((byte)1, 3 << 20).ToArray(), Cancellation);

        stream.Position = 1 << 20;
        await Assert.ThrowsAsync<InvalidDataException>(async () => await stream.ReadExactlyAsync(new byte[100], Cancellation));
    }

    [Fact]
    public async Task Upload_ThatWasKilled_IsRemoved_WhenItIsOldEnough()
    {
        var options = await stores.InCephAsync();
        using var requests = new S3Requests(options);
        var begun = await requests.Client.InitiateMultipartUploadAsync(options.Bucket, $"{options.Prefix}/killed", Cancellation);
        await requests.Client.UploadPartAsync(new UploadPartRequest
        {
            BucketName = options.Bucket,
            Key = $"{options.Prefix}/killed",
            UploadId = begun.UploadId,
            PartNumber = 1,
            InputStream = new MemoryStream(new byte[5 << 20]),
            UseChunkEncoding = false,
        }, Cancellation);
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;

        await ObjectStoreStart.RemoveLeftoversAsync(requests, now.AddDays(-1), _ => { }, Cancellation);
        Assert.Single(await requests.ListUploadsAsync(options.Prefix + "/", Cancellation).ToListAsync(Cancellation));
        await ObjectStoreStart.RemoveLeftoversAsync(requests, now.AddMinutes(1), _ => { }, Cancellation);
        Assert.Empty(await requests.ListUploadsAsync(options.Prefix + "/", Cancellation).ToListAsync(Cancellation));
    }

    [Fact]
    public async Task Secret_ThatIsRotated_IsUsedByTheNextRequest()
    {
        var options = await stores.InCephAsync();
        var secret = _folder.PathTo("secret");
        File.Copy(options.SecretKeyFile!, secret);
        var right = options.SecretKeyFile!;
        options.SecretKeyFile = secret;
        using var store = new S3BlobStore(options);
        await store.WriteAsync("a", new byte[] { 1 }, Cancellation);

        await File.WriteAllTextAsync(secret, "numbat-secret", Cancellation);
        var refused = await Assert.ThrowsAsync<ObjectStoreException>(() => store.WriteAsync("a", new byte[] { 2 }, Cancellation));
        Assert.DoesNotContain("numbat", refused.ToString(), StringComparison.Ordinal);
        File.Copy(right, secret, overwrite: true);
        await store.WriteAsync("a", new byte[] { 3 }, Cancellation);

        Assert.Equal([3], await store.ReadAsync("a", Cancellation));
    }

    [Fact]
    public async Task SignedAddress_OpensTheFile_WithItsTypeAndInRanges_UntilItExpires()
    {
        using var http = new HttpClient();
        foreach (var options in (ObjectStoreOptions[])[await stores.InCephAsync(), await stores.InSwiftAsync()])
        {
            options.SignedUrls = true;
            using var store = new S3BlobStore(options);
            await store.WriteAsync("t/a", new byte[] { 1, 2, 3, 4, 5 }, Cancellation);
            var address = (await store.GetAddressAsync("t/a", TimeSpan.FromMinutes(9), "image/png", Cancellation))!;

            using var whole = await http.GetAsync(new Uri(address), Cancellation);
            Assert.Equal((HttpStatusCode.OK, "image/png"), (whole.StatusCode, whole.Content.Headers.ContentType?.MediaType));
            Assert.Equal([1, 2, 3, 4, 5], await whole.Content.ReadAsByteArrayAsync(Cancellation));
            using var request = new HttpRequestMessage(HttpMethod.Get, address) { Headers = { Range = new RangeHeaderValue(1, 2) } };
            using var part = await http.SendAsync(request, Cancellation);
            Assert.Equal([2, 3], await part.Content.ReadAsByteArrayAsync(Cancellation));
            using var forged = await http.GetAsync(new Uri(address.Replace("/t/a", "/t/b", StringComparison.Ordinal)), Cancellation);
            Assert.Equal(HttpStatusCode.Forbidden, forged.StatusCode);

            var brief = (await store.GetAddressAsync("t/a", TimeSpan.FromSeconds(1), "image/png", Cancellation))!;
            var status = HttpStatusCode.OK;
            for (var began = Stopwatch.GetTimestamp(); status == HttpStatusCode.OK && Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(20);)
            {
                await Task.Delay(200, Cancellation);
                using var late = await http.GetAsync(new Uri(brief), Cancellation);
                status = late.StatusCode;
            }

            Assert.Equal(HttpStatusCode.Forbidden, status);
        }
    }

    [Fact]
    public async Task SignedAddress_HasThePublicName_AndIsNoneUnlessAskedFor()
    {
        var options = await stores.InCephAsync();
        using (var store = new S3BlobStore(options)) Assert.Null(await store.GetAddressAsync("t/a", TimeSpan.FromMinutes(1), "image/png", Cancellation));
        (options.SignedUrls, options.PublicEndpoint) = (true, "https://pictures.example.org");
        using var named = new S3BlobStore(options);
        Assert.StartsWith($"https://pictures.example.org/{options.Bucket}/{options.Prefix}/t/a?", await named.GetAddressAsync("t/a", TimeSpan.FromMinutes(1), "image/png", Cancellation), StringComparison.Ordinal);
    }

    /// <summary>Zeros that tell when they have been read so far.</summary>
    private sealed class WatchedContent(int size, int at, Action reached) : MemoryStream(new byte[size])
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position >= at) reached();
            return base.ReadAsync(buffer, cancellationToken);
        }
    }
}
