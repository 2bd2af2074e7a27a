using System.Reflection;
using Emu3.Benchmarks.Fuzz;
using Emu3.Gateway;
using Emu3.Storage.Blobs;
using Emu3.Tests.Fakes;
using Emu3.Tests.Unit.Gateway;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Emu3.Tests.Unit.Benchmarks.Fuzz;

/// <summary>What the fuzz runner begins from, against what the gateway maps.</summary>
[Trait("Suite", "Fast")]
public sealed class SeedRequestTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Whoever maps a new route gives it a request in Benchmarks/Fuzz/SeedRequests.cs (or SeedBodies.cs), which then is fuzzed as well.</summary>
    [Fact]
    public async Task EveryRouteOfTheGateway_HasARequest_AndNoRequestIsOfNone()
    {
        await using var gateway = GatewayHost.Build(new Uri("http://127.0.0.1:0"), builder =>
        {
            builder.Logging.ClearProviders();
            builder.Services.AddSingleton(DispatchProxy.Create<IClusterClient, GatewayHttpTests.NoCluster>());
            builder.Services.AddSingleton<IBlobStore>(new FolderBlobStore(_folder.FullPath));
        });
        var mapped = ((IEndpointRouteBuilder)gateway).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .SelectMany(route => (route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]).Select(method => $"{method} {route.RoutePattern.RawText}"));

        var seeds = SeedRequests.All.Select(seed => seed.Route);
        Assert.Empty(mapped.Except(seeds));
        Assert.Empty(seeds.Except(mapped));
    }
}
