using Emu3.Silo;
using Emu3.Storage.Configuration;
using Microsoft.Extensions.Configuration;

namespace Emu3.Tests.Unit.Silo;

[Trait("Suite", "Fast")]
public sealed class SiloConfigurationTests
{
    [Fact]
    public void Read_GivesOneEngineForEachDevice()
    {
        var settings = SiloConfiguration.Read(Configuration(
            ("Engine:Model", "models/emu3-tiny"), ("Silo:Devices:0", "cuda:0"), ("Silo:Devices:1", "cuda:1"), ("Worker:InteractiveSlots", "0")));

        Assert.Equal(["cuda:0", "cuda:1"], settings.Engines.Select(engine => engine.Device));
        Assert.All(settings.Engines, engine => Assert.Equal("models/emu3-tiny", engine.Model));
        Assert.Equal(0, settings.Worker.InteractiveSlots);
        Assert.Equal(SiloRoles.Control | SiloRoles.Worker, settings.Roles);
    }

    [Fact]
    public void Read_OfAControlSilo_NeedsNoModel() =>
        Assert.Empty(SiloConfiguration.Read(Configuration(("Silo:Roles:0", "control"))).Engines);

    [Fact]
    public void Read_OfSimulatedDevices_NeedsNoModel()
    {
        var settings = SiloConfiguration.Read(Configuration(
            ("Engine:Kind", "simulated"), ("Silo:Devices:0", "simulated*3"), ("Silo:Devices:1", "simulated:7"), ("Simulation:TimePerToken", "00:00:00.020")));

        Assert.Equal(["simulated:0", "simulated:1", "simulated:2", "simulated:7"], settings.Engines.Select(engine => engine.Device));
        Assert.Equal(TimeSpan.FromMilliseconds(20), settings.Simulation.TimePerToken);
    }

    [Theory]
    [InlineData("Engine:Model", "", "Engine:Model")]
    [InlineData("Engine:Kind", "imagined", "Engine:Kind")]
    [InlineData("Engine:Kind", "simulated", "Engine:Device", "Engine:Device", "cpu")]
    [InlineData("Silo:Devices:0", "simulated:0", "Engine:Device")]
    [InlineData("Silo:Devices:0", "simulated*0", "Engine:Device")]
    [InlineData("Simulation:SlotCount", "0", "Simulation:SlotCount")]
    [InlineData("Engine:Device", "gpu", "Engine:Device")]
    [InlineData("Engine:SlotCount", "-1", "Engine:SlotCount")]
    [InlineData("Engine:Modell", "x", "Modell")]
    [InlineData("Engine:DeviceId", "node/gpu", "Engine:DeviceId")]
    [InlineData("Silo:Devices:0", "cuda", "Engine:Device")]
    [InlineData("Silo:Roles:0", "boss", "boss")]
    [InlineData("Worker:HeartbeatPeriod", "00:01:00", "Worker:HeartbeatPeriod")]
    [InlineData("Worker:HeartbeatPeriod", "soon", "HeartbeatPeriod")]
    [InlineData("Cluster:Provider", "Redis", "Cluster:Provider")]
    [InlineData("Dispatcher:TenantWeights:acme", "0", "acme")]
    [InlineData("Dispatcher:TenantWeights:acme", "NaN", "acme")]
    [InlineData("Jobs:Patience", "1", "Patience")]
    [InlineData("Webhooks:AllowedNetworks:0", "10.0.0.0/40", "10.0.0.0/40")]
    [InlineData("Webhooks:AllowedNetworks:0", "inside", "Webhooks:AllowedNetworks")]
    [InlineData("Webhooks:RetryWaits:0", "2.00:00:00", "Webhooks:RetryWaits")]
    [InlineData("Webhooks:Timeout", "00:10:00", "Webhooks:Timeout")]
    [InlineData("Webhooks:AllowHttps", "true", "AllowHttps")]
    [InlineData("Silo:Port", "70000", "Silo:Port")]
    [InlineData("Silo:AdvertisedAddress", "host-7", "Silo:AdvertisedAddress")]
    [InlineData("Silo:AdvertisedAddress", "0.0.0.0", "Silo:AdvertisedAddress")]
    public void Read_OfSomethingWrong_NamesIt(string key, string value, string named, string besides = "Cluster:ClusterId", string besidesValue = "emu3")
    {
        var wrong = Assert.Throws<ConfigurationException>(() => SiloConfiguration.Read(Configuration(("Engine:Model", "m"), (key, value), (besides, besidesValue))));

        Assert.Contains(named, Assert.Single(wrong.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OfSeveralEngines_GivesEachItsModelAndDevice()
    {
        var settings = SiloConfiguration.Read(Configuration(
            ("Engines:0:Model", "models/draws"), ("Engines:0:Device", "cuda:0"), ("Engines:1:Model", "models/chats"), ("Engines:1:Device", "cuda:0"),
            ("Engines:1:SlotCount", "8")));

        Assert.Equal([("models/draws", "cuda:0", 0), ("models/chats", "cuda:0", 8)], settings.Engines.Select(engine => (engine.Model, engine.Device, engine.SlotCount)));
    }

    [Theory]
    [InlineData("Engines:1:Model", "elsewhere/draws", "Engines has draws on cuda:0 2 times")]
    [InlineData("Engines:1:Modell", "draws", "Engines:1")]
    [InlineData("Engines:1:Device", "gpu", "Engines:1:Device")]
    [InlineData("Engine:Model", "chats", "Engine and Engines")]
    [InlineData("Silo:Devices:0", "cuda:1", "Silo:Devices")]
    public void Read_OfSeveralEngines_NamesWhatIsWrong(string key, string value, string named)
    {
        var pairs = new Dictionary<string, string>
        {
            ["Engines:0:Model"] = "models/draws",
            ["Engines:0:Device"] = "cuda:0",
            ["Engines:1:Model"] = "models/chats",
            ["Engines:1:Device"] = "cuda:0",
            [key] = value,
        };

        var wrong = Assert.Throws<ConfigurationException>(() => SiloConfiguration.Read(Configuration([.. pairs.Select(pair => (pair.Key, pair.Value))])));

        Assert.Contains(wrong.Problems, problem => problem.Contains(named, StringComparison.Ordinal));
    }

    /// <summary>They would be quarantined together, and nobody could tell which of them made what.</summary>
    [Fact]
    public void Read_OfOneDeviceIdForTwoDevices_NamesIt()
    {
        var wrong = Assert.Throws<ConfigurationException>(() => SiloConfiguration.Read(Configuration(
            ("Engine:Model", "m"), ("Engine:DeviceId", "one"), ("Silo:Devices:0", "cuda:0"), ("Silo:Devices:1", "cuda:1"))));

        Assert.Contains("cuda:0 and cuda:1 have the DeviceId one", Assert.Single(wrong.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OfADeviceTwice_NamesIt()
    {
        var wrong = Assert.Throws<ConfigurationException>(() => SiloConfiguration.Read(Configuration(
            ("Engine:Model", "m"), ("Silo:Devices:0", "cuda:0"), ("Silo:Devices:1", "cuda:0"))));

        Assert.Contains("m on cuda:0 2 times", Assert.Single(wrong.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OfAPlace_GivesPortsAddressAndNames()
    {
        var settings = SiloConfiguration.Read(Configuration(
            ("Engine:Model", "m"), ("Silo:Port", "11111"), ("Silo:GatewayPort", "30000"), ("Silo:AdvertisedAddress", "10.0.0.7"), ("Silo:Name", "silo-7"),
            ("Silo:HostName", "gpu-7")));

        Assert.Equal((11111, 30000, "10.0.0.7", "silo-7"), (settings.SiloPort, settings.GatewayPort, settings.AdvertisedAddress.ToString(), settings.Name));
        Assert.Equal("gpu-7", settings.Worker.HostName);
    }

    [Fact]
    public void Read_OfSeveralWrongThings_NamesThemAll()
    {
        var wrong = Assert.Throws<ConfigurationException>(() => SiloConfiguration.Read(Configuration(("Silo:Port", "x"), ("Cluster:Provider", "Redis"))));

        Assert.Equal(3, wrong.Problems.Count); // and no Engine:Model
    }

    private static IConfiguration Configuration(params (string Key, string Value)[] pairs)
    {
        var values = new Dictionary<string, string?>();
        foreach (var (key, value) in pairs) values[key] = value;
        return new ConfigurationBuilder().AddInMemoryCollection(values).Build();
    }
}
