using Emu3.Storage;

namespace Emu3.Tests.Unit.Storage.Contracts;

/// <summary>What every provider must do. Each test has a cluster and a service of its own in the stores of its class.</summary>
public abstract class StoreContract : IAsyncLifetime
{
    private readonly string _id = Guid.NewGuid().ToString("N");
    private readonly List<Stores> _open = [];

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    internal Stores Stores { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Stores = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var stores in _open) await stores.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Where the stores are.</summary>
    protected abstract ClusterConnection Connect();

    /// <summary>As another process would.</summary>
    internal async Task<Stores> OpenAsync(string? cluster = null)
    {
        var connection = Connect();
        (connection.ClusterId, connection.ServiceId) = (cluster ?? _id, _id);
        var stores = await Stores.OpenAsync(connection);
        _open.Add(stores);
        return stores;
    }
}
