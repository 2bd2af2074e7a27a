using Emu3.Gateway;
using Emu3.Storage.Configuration;
using Microsoft.Extensions.Configuration;

namespace Emu3.Tests.Unit.Gateway;

[Trait("Suite", "Fast")]
public sealed class GatewayConfigurationTests
{
    [Fact]
    public void Read_OfNothing_GivesTheDefaults()
    {
        var (gateway, cluster, _) = GatewayConfiguration.Read(new ConfigurationBuilder().Build());

        Assert.Equal(("http://127.0.0.1:8080", "Embedded"), (gateway.Address, cluster.Provider));
    }

    [Theory]
    [InlineData("Gateway:Address", "8080", "Gateway:Address")]
    [InlineData("Gateway:Adress", "http://127.0.0.1:8080", "Adress")]
    [InlineData("Gateway:Keys", "Sometimes", "Gateway")]
    [InlineData("Gateway:BootstrapKeyFile", "/nowhere/key", "Gateway:BootstrapKeyFile")]
    [InlineData("Gateway:MostQueuedItems", "0", "Gateway:MostQueuedItems")]
    [InlineData("Gateway:CorsOrigins:0", "app.example.org", "Gateway:CorsOrigins")]
    [InlineData("Gateway:CorsOrigins:0", "https://app.example.org/", "Gateway:CorsOrigins")]
    [InlineData("Gateway:CorsOrigins:0", "https://app.example.org/page", "Gateway:CorsOrigins")]
    [InlineData("Gateway:CorsOrigins:0", "https://App.example.org", "Gateway:CorsOrigins")]
    [InlineData("Gateway:CorsOrigins:0", "https://app.example.org:443", "Gateway:CorsOrigins")]
    [InlineData("Gateway:CorsOrigins:0", "file:///app", "Gateway:CorsOrigins")]
    [InlineData("Gateway:CorsOrigins:0", "*", "Gateway:CorsOrigins")]
    [InlineData("Gateway:CorsOrigins:0", "null", "Gateway:CorsOrigins")]
    [InlineData("Gateway:StopTimeout", "-00:00:01", "Gateway:StopTimeout")]
    [InlineData("Gateway:LoadTimeout", "02:00:00", "Gateway:LoadTimeout")]
    [InlineData("Cluster:Provider", "Redis", "Cluster:Provider")]
    [InlineData("Cluster:ClusterId", "", "Cluster:ClusterId")]
    public void Read_OfSomethingWrong_NamesIt(string key, string value, string named)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { [key] = value }).Build();

        var wrong = Assert.Throws<ConfigurationException>(() => GatewayConfiguration.Read(configuration));

        Assert.Contains(named, Assert.Single(wrong.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OfOrigins_GivesThemAll()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Gateway:CorsOrigins:0"] = "https://app.example.org",
            ["Gateway:CorsOrigins:1"] = "http://localhost:3000",
        }).Build();

        Assert.Equal(["https://app.example.org", "http://localhost:3000"], GatewayConfiguration.Read(configuration).Gateway.CorsOrigins);
    }

    [Fact]
    public void Read_OfNoKeysWhereOthersReachIt_NamesIt()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Gateway:Keys"] = "Off",
            ["Gateway:Address"] = "http://0.0.0.0:8080",
        }).Build();

        var wrong = Assert.Throws<ConfigurationException>(() => GatewayConfiguration.Read(configuration));

        Assert.StartsWith("Gateway:Keys: is Off, which is allowed on loopback addresses only", Assert.Single(wrong.Problems), StringComparison.Ordinal);
    }
}
