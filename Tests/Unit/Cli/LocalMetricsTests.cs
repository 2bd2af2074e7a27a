using Emu3.Cli.Commands;
using Emu3.Cli.Devices;

namespace Emu3.Tests.Unit.Cli;

[Trait("Suite", "Fast")]
public sealed class LocalMetricsTests
{
    [Theory]
    [InlineData("http://127.0.0.1:9464", 0, "http://127.0.0.1:9464")]
    [InlineData("http://0.0.0.0:9464", 2, "http://0.0.0.0:9466")]
    [InlineData("http://127.0.0.1:0", 3, "http://127.0.0.1:0")]
    [InlineData(null, 1, "")]
    public void Process_OfADevice_HasAPortOfItsOwn(string? named, int process, string address)
    {
        var choice = new ClusterChoice { Data = "data", Metrics = named is null ? null : new Uri(named) };
        Assert.Equal(address, LocalEngines.MetricsOf(choice, process).Address);
    }
}
