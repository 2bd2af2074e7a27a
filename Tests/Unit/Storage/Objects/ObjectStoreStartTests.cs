using System.Diagnostics;
using Emu3.Benchmarks.Processes;
using Emu3.Storage;
using Emu3.Storage.Objects;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Unit.Storage.Objects;

/// <summary>What a process says that starts on an object store which it can't use: which setting is wrong, and what to do.</summary>
[Trait("Suite", "Cluster")]
public sealed class ObjectStoreStartTests(ObjectStoreFixture stores) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Start_OnAStoreThatWorks_LeavesNothingBehind()
    {
        foreach (var options in (ObjectStoreOptions[])[await stores.InCephAsync(), await stores.InSwiftAsync()])
        {
            var told = new List<string>();
            var connection = new ClusterConnection { Blobs = "s3", S3 = options, DataFolder = _folder.FullPath };
            using (await connection.EnterAsync(told.Add, Cancellation)) Assert.Empty(told);

            using var requests = new S3Requests(options);
            Assert.Empty(await requests.ListAsync(options.Prefix!, Cancellation).ToListAsync(Cancellation));
        }
    }

    [Fact]
    public async Task Bucket_ThatIsNotThere_IsNamed()
    {
        var options = await stores.InCephAsync();
        options.Bucket = "never-made";
        await RefusedAsync(options, "Bucket never-made", "NoSuchBucket", "Cluster:S3:Bucket");
    }

    [Fact]
    public async Task Secret_ThatIsWrong_IsNamedByItsFile()
    {
        var options = await stores.InCephAsync();
        options.SecretKeyFile = _folder.PathTo("wrong");
        await File.WriteAllTextAsync(options.SecretKeyFile, "capybara-secret", Cancellation);
        var told = await RefusedAsync(options, "SignatureDoesNotMatch", $"Cluster:S3:SecretKeyFile ({options.SecretKeyFile})");
        Assert.DoesNotContain("capybara", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AccessKey_ThatTheStoreDoesNotKnow_IsNamedByItsFile()
    {
        var options = await stores.InCephAsync();
        options.AccessKeyFile = _folder.PathTo("unknown");
        await File.WriteAllTextAsync(options.AccessKeyFile, "capybara-id", Cancellation);
        await RefusedAsync(options, "InvalidAccessKeyId", $"Cluster:S3:AccessKeyFile ({options.AccessKeyFile})");
    }

    [Fact]
    public async Task Authority_ThatIsUnknown_IsToldAtOnce()
    {
        var options = await stores.InCephAsync((await stores.CephAsync()).TlsEndpoint);
        await RefusedAsync(options, "can't be trusted", "Cluster:S3:CaFile");
    }

    [Fact]
    public async Task Https_WhereHttpIsSpoken_IsTold()
    {
        var options = await stores.InCephAsync((await stores.CephAsync()).Endpoint.Replace("http:", "https:", StringComparison.Ordinal));
        await RefusedAsync(options, "Cluster:S3:Endpoint");
    }

    [Fact]
    public async Task Store_ThatIsAway_IsToldAtOnce_AndWaitedFor()
    {
        using var relay = new FaultyRelay((await stores.CephAsync()).Port);
        var options = await stores.InCephAsync(relay.Endpoint);
        options.Patience = TimeSpan.Zero;
        relay.Become(RelayWay.Refuses);
        var told = new List<string>();

        // What is told first begins what ends the waiting.
        await ObjectStoreStart.RequireAsync(options, TimeSpan.FromMinutes(1), line =>
        {
            told.Add(line);
            relay.Become(RelayWay.Through);
        }, Cancellation);

        Assert.Contains("does not answer", Assert.Single(told), StringComparison.Ordinal);
        Assert.Contains("Cluster:S3:Endpoint", told[0], StringComparison.Ordinal);
        Assert.Contains("tried again, for 60 s", told[0], StringComparison.Ordinal);

        relay.Become(RelayWay.Refuses);
        var refused = await Assert.ThrowsAsync<ObjectStoreException>(() => ObjectStoreStart.RequireAsync(options, TimeSpan.Zero, told.Add, Cancellation));
        Assert.Contains("does not answer", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clock_ThatIsTwoHoursAhead_IsToldByTheProgram()
    {
        Assert.SkipWhen(SetClocks.Refusal is not null, SetClocks.Refusal ?? "");
        var options = await stores.InCephAsync();
        var clocks = new SetClocks(_folder.PathTo("clocks"));
        clocks.Set("gateway", TimeSpan.FromHours(2));
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Emu3.Gateway.dll")]) { RedirectStandardError = true };
        foreach (var (variable, value) in clocks.Of("gateway")) start.Environment[variable] = value;
        foreach (var (setting, value) in new Dictionary<string, string>
        {
            ["Blobs"] = "s3",
            ["DataFolder"] = _folder.PathTo("data"),
            ["S3__Endpoint"] = options.Endpoint!,
            ["S3__Bucket"] = options.Bucket!,
            ["S3__AccessKeyFile"] = options.AccessKeyFile!,
            ["S3__SecretKeyFile"] = options.SecretKeyFile!,
        }) start.Environment[$"Cluster__{setting}"] = value;

        using var gateway = Process.Start(start)!;
        var told = await gateway.StandardError.ReadToEndAsync(Cancellation);
        await gateway.WaitForExitAsync(Cancellation);

        Assert.Equal(2, gateway.ExitCode);
        Assert.Contains("RequestTimeTooSkewed", told, StringComparison.Ordinal);
        Assert.Contains("run NTP", told, StringComparison.Ordinal);
    }

    private static async Task<string> RefusedAsync(ObjectStoreOptions options, params string[] reasons)
    {
        var began = Stopwatch.GetTimestamp();
        var refused = await Assert.ThrowsAsync<ObjectStoreException>(() => ObjectStoreStart.RequireAsync(options, TimeSpan.FromMinutes(5), _ => { }, Cancellation));

        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(1), "What does not pass is not waited for.");
        foreach (var reason in reasons) Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        return refused.Message;
    }
}
