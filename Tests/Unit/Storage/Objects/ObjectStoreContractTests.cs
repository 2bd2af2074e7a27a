using Emu3.Storage.Blobs;
using Emu3.Storage.Objects;
using Emu3.Tests.Fakes;
using Emu3.Tests.Unit.Storage.Blobs;

namespace Emu3.Tests.Unit.Storage.Objects;

/// <summary>The contract on a real object store, a prefix for each test.</summary>
public abstract class ObjectStoreContractTests : BlobStoreContract, IAsyncLifetime
{
    private S3BlobStore? _store;

    protected override IBlobStore Store => _store!;

    public async ValueTask InitializeAsync()
    {
        var options = await PlaceAsync();
        options.ListPage = 100;
        _store = new(options);
    }

    public ValueTask DisposeAsync()
    {
        _store?.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    protected abstract Task<ObjectStoreOptions> PlaceAsync();
}

[Trait("Suite", "Cluster")]
public sealed class CephContractTests(ObjectStoreFixture stores) : ObjectStoreContractTests
{
    protected override Task<ObjectStoreOptions> PlaceAsync() => stores.InCephAsync();
}

/// <summary>By https, with an authority that only <c>CaFile</c> names.</summary>
[Trait("Suite", "Cluster")]
public sealed class CephTlsContractTests(ObjectStoreFixture stores) : ObjectStoreContractTests
{
    protected override async Task<ObjectStoreOptions> PlaceAsync()
    {
        var options = await stores.InCephAsync((await stores.CephAsync()).TlsEndpoint);
        options.CaFile = stores.AuthorityFile;
        return options;
    }
}

/// <summary>A store that removes many only with a Content-MD5, and takes no chunks.</summary>
[Trait("Suite", "Cluster")]
public sealed class SwiftContractTests(ObjectStoreFixture stores) : ObjectStoreContractTests
{
    protected override Task<ObjectStoreOptions> PlaceAsync() => stores.InSwiftAsync();
}
