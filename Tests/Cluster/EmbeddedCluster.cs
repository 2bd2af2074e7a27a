using Emu3.Grains.Dispatch;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Grains.Webhooks;
using Emu3.Grains.Workers;
using Emu3.Inference;
using Emu3.Observability;
using Emu3.Silo;
using Emu3.Storage;
using Emu3.Storage.Blobs;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace Emu3.Tests.Cluster;

/// <summary>
/// The embedded cluster as the command line starts it, one silo and one client in this process, on a folder that outlives it, with a
/// <see cref="FakeEngine"/>. <see cref="CrashAsync"/> ends it so that nothing it does afterwards is kept.
/// </summary>
internal sealed class EmbeddedCluster : IAsyncDisposable
{
    private readonly IHost _silo;
    private readonly IHost _client;
    private readonly DataFolderLock _lock;
    private readonly CrashableBlobStore _blobs;
    private bool _isStopped;

    private EmbeddedCluster(IHost silo, IHost client, DataFolderLock held, CrashableBlobStore blobs, FakeEngine engine) =>
        (_silo, _client, _lock, _blobs, Engine) = (silo, client, held, blobs, engine);

    public FakeEngine Engine { get; }
    public IClusterClient Client => _client.Services.GetRequiredService<IClusterClient>();
    public IBlobStore Blobs => _blobs;

    /// <summary>The blob store has no room: every write is refused.</summary>
    public bool IsDiskFull { set => _blobs.IsFull = value; }

    /// <summary>Writes of blobs that were refused for want of room.</summary>
    public int RefusedWriteCount => _blobs.RefusedCount;
    public IServiceProvider SiloServices => _silo.Services;

    /// <summary>Starts on a folder, with one worker or, where there are options for a second, two; returns when the dispatcher knows them.</summary>
    public static async Task<EmbeddedCluster> StartAsync(
        string folder, FakeEngineOptions? engine = null, WorkerOptions? worker = null, JobOptions? jobs = null, DispatcherOptions? dispatcher = null,
        LogLevel logs = LogLevel.Warning, bool hasWorker = true, FakeEngineOptions? second = null, MetricsOptions? metrics = null,
        ILoggerProvider? log = null, WebhookOptions? webhooks = null, HostResolver? resolve = null, IBlobStore? store = null,
        params string[] models)
    {
        var data = DataFolder.At(folder);
        var held = data.TryLock() ?? throw new InvalidOperationException($"{folder} is in use");
        var connection = ClusterConnection.SingleProcess(data);
        var fake = new FakeEngine(engine);
        EngineOptions[] engines = [new() { Model = "fake", Device = "simulated:0" }, new() { Model = "fake", Device = "simulated:1" }];
        var blobs = new CrashableBlobStore(store ?? new FolderBlobStore(data.BlobFolder));
        var settings = new SiloSettings
        {
            Cluster = connection,
            Roles = hasWorker ? SiloRoles.Control | SiloRoles.Worker : SiloRoles.Control,
            Models = models,
            Metrics = metrics ?? new(),
            Engines = [.. engines.Take(!hasWorker ? 0 : second is null ? 1 : 2)],
            Jobs = jobs ?? new(),
            Webhooks = webhooks ?? new(),
            Dispatcher = dispatcher ?? new(),
            EngineFactory = (options, _, _, _) => Task.FromResult<IEngine>(options == engines[0] ? fake : new FakeEngine(second)),
            Worker = worker ?? new WorkerOptions
            {
                CheckpointPeriod = TimeSpan.FromMilliseconds(50),
                PushPeriod = TimeSpan.FromMilliseconds(10),
                HeartbeatPeriod = TimeSpan.FromMilliseconds(200),
                AskPeriod = TimeSpan.FromMilliseconds(500),
            },
        };
        var silo = SiloHost.Create(settings, builder =>
        {
            builder.Services.AddSingleton<IBlobStore>(blobs);
            builder.Logging.AddProvider(new TestLogs()).SetMinimumLevel(logs).AddFilter("Orleans", LogLevel.Error);
            if (log is not null) builder.Logging.AddProvider(log);
            if (resolve is not null) builder.Services.AddSingleton(resolve);
            if (webhooks is not null) builder.Services.Configure<ReminderOptions>(options => options.MinimumReminderPeriod = webhooks.WakePeriod);
        });
        await silo.StartAsync();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.UseOrleansClient(client =>
        {
            client.UseCluster(connection);
            client.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = TimeSpan.FromSeconds(10));
        });
        var clientHost = builder.Build();
        await clientHost.StartAsync();
        var cluster = new EmbeddedCluster(silo, clientHost, held, blobs, fake);
        if (!hasWorker) return cluster;
        await silo.Services.GetRequiredService<EngineStatus>().Ready;
        while ((await cluster.Client.GetGrain<IDispatcher>(0).GetWorkers()).Count < settings.Engines.Count) await Task.Delay(10);
        return cluster;
    }

    /// <summary>Another silo joins, which only works.</summary>
    public Task<IAsyncDisposable> AddWorkerAsync(FakeEngine engine) => AddWorkerAsync((_, _, _, _) => Task.FromResult<IEngine>(engine));

    /// <summary>Another silo joins, which only works, and is still loading its engine when this returns.</summary>
    public async Task<IAsyncDisposable> AddWorkerAsync(EngineFactory load)
    {
        var settings = _silo.Services.GetRequiredService<SiloSettings>();
        var worker = SiloHost.Create(
            new SiloSettings
            {
                Cluster = settings.Cluster,
                Roles = SiloRoles.Worker,
                Engines = [new EngineOptions { Model = "fake" }],
                EngineFactory = load,
                Worker = settings.Worker,
            },
            builder => builder.Services.AddSingleton<IBlobStore>(_blobs));
        await worker.StartAsync();
        return new StartedHost(worker);
    }

    /// <summary>
    /// Ends it as a killed process ends: from now on no write to the database or the blob store happens, whatever still runs.
    /// </summary>
    public async Task CrashAsync()
    {
        _blobs.Crash();
        _silo.Services.GetRequiredKeyedService<Storage.Embedded.SqliteDb>(ClusterProviders.StateDatabase).Dispose();
        await StopAsync(new CancellationToken(canceled: true));
    }

    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None);

    private async Task StopAsync(CancellationToken impatience)
    {
        if (_isStopped) return;
        _isStopped = true;
        try
        {
            await _client.StopAsync(impatience);
            await _silo.StopAsync(impatience);
        }
        catch (OperationCanceledException) when (impatience.IsCancellationRequested)
        {
            // It was not to wait.
        }

        await ((IAsyncDisposable)_client).DisposeAsync();
        await ((IAsyncDisposable)_silo).DisposeAsync();
        _lock.Dispose();
    }

    private sealed class StartedHost(IHost host) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await host.StopAsync();
            await ((IAsyncDisposable)host).DisposeAsync();
        }
    }

    /// <summary>A blob store that stops writing at a moment of the test's choice.</summary>
    private sealed class CrashableBlobStore(IBlobStore inner) : IBlobStore
    {
        private volatile bool _isCrashed;
        private volatile bool _isFull;
        private int _refusedCount;

        public bool IsFull { set => _isFull = value; }
        public int RefusedCount => Volatile.Read(ref _refusedCount);

        public void Crash() => _isCrashed = true;

        public Task WriteAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
        {
            if (!_isFull) return Alive().WriteAsync(key, content, cancellationToken);
            Interlocked.Increment(ref _refusedCount);
            throw new IOException("No space left on device");
        }

        public Task<long> WriteAsync(string key, Stream content, CancellationToken cancellationToken = default)
        {
            if (!_isFull) return Alive().WriteAsync(key, content, cancellationToken);
            Interlocked.Increment(ref _refusedCount);
            throw new IOException("No space left on device");
        }

        public Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken = default) => inner.ReadAsync(key, cancellationToken);
        public Task<Stream?> OpenReadAsync(string key, CancellationToken cancellationToken = default) => inner.OpenReadAsync(key, cancellationToken);
        public Task DeleteAsync(string key, CancellationToken cancellationToken = default) => Alive().DeleteAsync(key, cancellationToken);
        public Task DeletePrefixAsync(string prefix, CancellationToken cancellationToken = default) => Alive().DeletePrefixAsync(prefix, cancellationToken);

        public Task<string?> GetAddressAsync(string key, TimeSpan lifetime, string contentType, CancellationToken cancellationToken = default) =>
            inner.GetAddressAsync(key, lifetime, contentType, cancellationToken);

        private IBlobStore Alive() => _isCrashed ? throw new IOException("The process is dead.") : inner;
    }

    /// <summary>Warnings of the silo go to the test's output.</summary>
    private sealed class TestLogs : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            TestContext.Current.SendDiagnosticMessage("{0}: {1} {2}", logLevel, formatter(state, exception), exception);

        public void Dispose()
        {
        }
    }
}
