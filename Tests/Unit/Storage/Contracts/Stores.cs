using Emu3.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Messaging;
using Orleans.Storage;

namespace Emu3.Tests.Unit.Storage.Contracts;

/// <summary>The stores that a silo and a client get by a <see cref="ClusterConnection"/>, without a silo and a client that run.</summary>
internal sealed class Stores : IAsyncDisposable
{
    private readonly IHost _silo;
    private readonly IHost _client;

    private Stores(IHost silo, IHost client) => (_silo, _client) = (silo, client);

    public IGrainStorage Grains => _silo.Services.GetRequiredKeyedService<IGrainStorage>(ClusterProviders.GrainStorage);
    public IMembershipTable Members => _silo.Services.GetRequiredService<IMembershipTable>();
    public IReminderTable Reminders => _silo.Services.GetRequiredService<IReminderTable>();
    public IGatewayListProvider Gateways => _client.Services.GetRequiredService<IGatewayListProvider>();

    public static async Task<Stores> OpenAsync(ClusterConnection connection)
    {
        var silo = Host.CreateEmptyApplicationBuilder(new() { DisableDefaults = true });
        silo.UseOrleans(builder => builder.UseCluster(connection));
        var client = Host.CreateEmptyApplicationBuilder(new() { DisableDefaults = true });
        client.UseOrleansClient(builder => builder.UseCluster(connection));
        var stores = new Stores(silo.Build(), client.Build());
        if (stores.Grains is ILifecycleParticipant<ISiloLifecycle> participant)
        {
            var start = new Start();
            participant.Participate(start);
            await start.RunAsync();
        }

        await stores.Members.InitializeMembershipTableAsync(tryInitTableVersion: true, TestContext.Current.CancellationToken);
        await stores.Reminders.StartAsync(TestContext.Current.CancellationToken);
        await stores.Gateways.InitializeGatewayListProviderAsync(TestContext.Current.CancellationToken);
        return stores;
    }

    public async ValueTask DisposeAsync()
    {
        await ((IAsyncDisposable)_silo).DisposeAsync();
        await ((IAsyncDisposable)_client).DisposeAsync();
    }

    /// <summary>What a starting silo asks of a storage.</summary>
    private sealed class Start : ISiloLifecycle
    {
        private readonly List<ILifecycleObserver> _observers = [];

        public int HighestCompletedStage => 0;
        public int LowestStoppedStage => 0;

        public IDisposable Subscribe(string observerName, int stage, ILifecycleObserver observer)
        {
            _observers.Add(observer);
            return new MemoryStream(0);
        }

        public Task RunAsync() => Task.WhenAll(_observers.Select(observer => observer.OnStart(TestContext.Current.CancellationToken)));
    }
}
