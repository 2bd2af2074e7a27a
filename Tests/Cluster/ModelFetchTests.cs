using System.Security.Cryptography;
using System.Text;
using Emu3.Benchmarks.Processes;
using Emu3.Cli;
using Emu3.Cli.Models;
using Emu3.Storage.Objects;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary><c>emu3 models fetch</c> from a real object store.</summary>
[Trait("Suite", "Cluster")]
public sealed class ModelFetchTests(ObjectStoreFixture stores) : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, byte[]> _files = new()
    {
        ["config.json"] = Encoding.UTF8.GetBytes("{}"),
        ["model-1.safetensors"] = Bytes(20 << 20),
        ["tokens/vocab.json"] = Bytes(100_000),
        ["empty.txt"] = [],
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Fetch_CopiesAllFiles_AndFindsThemThereTheNextTime()
    {
        var place = await UploadAsync();
        var fetch = Fetch(place);
        Assert.True(await fetch.RunAsync(Cancellation));
        AssertWhole();
        Assert.Equal(fetch.TotalBytes, fetch.FetchedBytes);

        var again = Fetch(place);
        Assert.False(await again.RunAsync(Cancellation));
        Assert.Equal(0, again.FetchedBytes);
    }

    [Fact]
    public async Task Program_FetchesTheRepositorysCheckpoint_ByTheSettingsOfASilo_AndTellsNoSecret()
    {
        var model = Directory.GetFiles(Repository.PathTo("models", "emu3-tiny"), "*", SearchOption.AllDirectories)
            .ToDictionary(file => Path.GetRelativePath(Repository.PathTo("models", "emu3-tiny"), file), File.ReadAllBytes);
        var place = await UploadAsync(files: model);
        await using var emu = EmuProcess.Start(new Dictionary<string, string>
        {
            ["Cluster__S3__Endpoint"] = place.Options.Endpoint!,
            ["Cluster__S3__AccessKeyFile"] = place.Options.AccessKeyFile!,
            ["Cluster__S3__SecretKeyFile"] = place.Options.SecretKeyFile!,
        }, "models", "fetch", $"s3://{place.Options.Bucket}/{place.Prefix}", _folder.PathTo("model"));

        Assert.True(await emu.EndAsync(Cancellation) == 0, emu.Text);
        Assert.Contains("all hashes are right", emu.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(CephServer.SecretKey, emu.Text, StringComparison.Ordinal);
        foreach (var (name, content) in model) Assert.Equal(content, await File.ReadAllBytesAsync(_folder.PathTo("model", name), Cancellation));
    }

    [Fact]
    public async Task Fetch_ThatIsInterrupted_GoesOnWhereItWas_AndShowsNothingBefore()
    {
        using var relay = new FaultyRelay((await stores.CephAsync()).Port);
        var place = await UploadAsync(relay.Endpoint);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var first = Fetch(place);
        relay.StallAfter(8 << 20); // then nothing more comes, until it is asked again
        var run = first.RunAsync(stop.Token);
        while (first.FetchedBytes < 2 << 20) await Task.Delay(5, Cancellation);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.False(File.Exists(_folder.PathTo("model", "config.json")));

        var second = Fetch(place);
        Assert.True(await second.RunAsync(Cancellation));

        Assert.InRange(second.FetchedBytes, 1, second.TotalBytes - (1 << 20));
        AssertWhole();
    }

    [Fact]
    public async Task Fetch_WhileTheStoreGoesAway_GoesOn()
    {
        using var relay = new FaultyRelay((await stores.CephAsync()).Port);
        var place = await UploadAsync(relay.Endpoint);
        place.Options.Patience = TimeSpan.FromMinutes(2);
        var fetch = Fetch(place);
        var run = fetch.RunAsync(Cancellation);
        while (fetch.FetchedBytes < 1 << 20) await Task.Delay(1, Cancellation);
        relay.Become(RelayWay.Busy);
        await Task.Delay(Outages.Of(TimeSpan.FromSeconds(2)), Cancellation);
        relay.Become(RelayWay.Through);

        Assert.True(await run);
        AssertWhole();
    }

    [Fact]
    public async Task Fetch_BySeveralAtOnce_CopiesOnce()
    {
        var place = await UploadAsync();
        var fetches = Enumerable.Range(0, 4).Select(_ => Fetch(place)).ToList();

        var isNew = await Task.WhenAll(fetches.Select(fetch => Task.Run(() => fetch.RunAsync(Cancellation))));

        Assert.Single(isNew, one => one);
        Assert.Equal(_files.Sum(file => file.Value.Length), fetches.Sum(fetch => fetch.FetchedBytes));
        AssertWhole();
    }

    [Fact]
    public async Task Fetch_OfWhatIsIncompleteOrWrong_IsRefused_AndShowsNothing()
    {
        await RefusedAsync(await UploadAsync(without: "SHA256SUMS"), "has no SHA256SUMS");
        await RefusedAsync(await UploadAsync(without: "model-1.safetensors"), "is not complete: its SHA256SUMS names model-1.safetensors");
        await RefusedAsync(await UploadAsync(spoilt: "tokens/vocab.json"), "tokens/vocab.json of", "has not the hash");
    }

    [Fact]
    public async Task Fetch_IntoAFolderOfSomethingElse_IsRefused_AndChangesNothing()
    {
        Directory.CreateDirectory(_folder.PathTo("model"));
        await File.WriteAllTextAsync(_folder.PathTo("model", "config.json"), "mine", Cancellation);
        var wrong = await Assert.ThrowsAsync<CommandException>(async () => await Fetch(await UploadAsync()).RunAsync(Cancellation));
        Assert.Contains("config.json is there, and is not the file of", wrong.Message, StringComparison.Ordinal);
        Assert.Equal("mine", await File.ReadAllTextAsync(_folder.PathTo("model", "config.json"), Cancellation));

        File.Delete(_folder.PathTo("model", "config.json"));
        await Fetch(await UploadAsync()).RunAsync(Cancellation);
        _files["config.json"] = Encoding.UTF8.GetBytes("{ }");
        var other = await Assert.ThrowsAsync<CommandException>(async () => await Fetch(await UploadAsync()).RunAsync(Cancellation));
        Assert.Contains("holds another checkpoint", other.Message, StringComparison.Ordinal);
    }

    private async Task RefusedAsync(Place place, params string[] reasons)
    {
        var wrong = await Assert.ThrowsAsync<CommandException>(() => Fetch(place).RunAsync(Cancellation));
        foreach (var reason in reasons) Assert.Contains(reason, wrong.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.PathTo("model", "config.json")));
    }

    private void AssertWhole()
    {
        foreach (var (name, content) in _files) Assert.True(content.AsSpan().SequenceEqual(File.ReadAllBytes(_folder.PathTo("model", name))), name);
        Assert.False(Directory.Exists(_folder.PathTo("model", ".fetch")));
    }

    private CheckpointFetch Fetch(Place place) => new(new ObjectFolder(place.Options, place.Prefix), "s3://it", _folder.PathTo("model"), _ => { });

    private async Task<Place> UploadAsync(string? endpoint = null, string? without = null, string? spoilt = null, Dictionary<string, byte[]>? files = null)
    {
        var options = await stores.InCephAsync(endpoint);
        var prefix = options.Prefix!;
        using var store = new S3BlobStore(options);
        foreach (var (name, content) in files ?? _files)
            if (name != without) await store.WriteAsync(name, new MemoryStream(name == spoilt ? [.. content[1..], 0] : content), Cancellation);
        var sums = string.Concat((files ?? _files).Select(file => $"{Convert.ToHexStringLower(SHA256.HashData(file.Value))}  ./{file.Key}\n"));
        if (without != CheckpointManifest.FileName) await store.WriteAsync(CheckpointManifest.FileName, Encoding.UTF8.GetBytes(sums), Cancellation);
        return new(new() { Endpoint = options.Endpoint, Bucket = options.Bucket, AccessKeyFile = options.AccessKeyFile, SecretKeyFile = options.SecretKeyFile }, prefix);
    }

    private static byte[] Bytes(int length)
    {
        var content = new byte[length];
        new Random(length).NextBytes(content);
        return content;
    }

    private sealed record Place(ObjectStoreOptions Options, string Prefix);
}
