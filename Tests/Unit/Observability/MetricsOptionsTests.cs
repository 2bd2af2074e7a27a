using Emu3.Observability;
using Emu3.Storage.Configuration;
using Microsoft.Extensions.Configuration;

namespace Emu3.Tests.Unit.Observability;

[Trait("Suite", "Fast")]
public sealed class MetricsOptionsTests
{
    [Theory]
    [InlineData("")]
    [InlineData("http://127.0.0.1:9464")]
    [InlineData("http://*:9464")]
    [InlineData("http://+:9464")]
    [InlineData("http://[::1]:0")]
    public void Address_OfAPort_IsTaken(string address) => Assert.Equal(address, Read(address).Address);

    [Theory]
    [InlineData("https://127.0.0.1:9464")]
    [InlineData("127.0.0.1:9464")]
    [InlineData("http://127.0.0.1:9464/metrics")]
    [InlineData("9464")]
    public void Address_OfSomethingElse_IsRefusedByName(string address)
    {
        var wrong = Assert.Throws<ConfigurationException>(() => Read(address));
        Assert.Contains("Metrics:Address", Assert.Single(wrong.Problems), StringComparison.Ordinal);
    }

    private static MetricsOptions Read(string address)
    {
        var reader = new ConfigurationReader(new ConfigurationBuilder().AddInMemoryCollection([new("Metrics:Address", address)]).Build());
        var options = reader.Section<MetricsOptions>(MetricsOptions.Section);
        reader.ThrowIfWrong();
        return options;
    }
}
