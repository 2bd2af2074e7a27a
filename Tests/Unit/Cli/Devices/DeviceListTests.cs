using Emu3.Cli.Devices;

namespace Emu3.Tests.Unit.Cli.Devices;

[Trait("Suite", "Fast")]
public sealed class DeviceListTests
{
    [Fact]
    public void Parse_SeveralDevices_KeepsTheirOrder_AndNumbersTheProcessor()
    {
        var (list, error) = DeviceList.Parse("cuda:1, cpu,cuda:0,cpu");
        Assert.Null(error);
        Assert.Equal(["cuda:1", "cpu", "cuda:0", "cpu"], list!.Devices);
        Assert.Equal(["cuda:1", "cpu#1", "cuda:0", "cpu#2"], list.Names);
    }

    [Theory]
    [InlineData("", "\"\" is no device: cpu and cuda:N are, several separated by commas.")]
    [InlineData("cpu,", "\"\" is no device: cpu and cuda:N are, several separated by commas.")]
    [InlineData("gpu", "\"gpu\" is no device: cpu and cuda:N are, several separated by commas.")]
    [InlineData("cuda:0,cuda:0", "cuda:0 is named 2 times; only cpu may be named several times.")]
    public void Parse_Wrong_SaysWhatIsAllowed(string text, string message)
    {
        var (list, error) = DeviceList.Parse(text);
        Assert.Null(list);
        Assert.Equal(message, error);
    }

    [Theory]
    [InlineData("cpu", null, 8, 0)]
    [InlineData("cuda:0,cuda:1", null, 8, 0)]
    [InlineData("cpu,cpu", null, 8, 4)]
    [InlineData("cpu,cpu,cpu", null, 8, 2)]
    [InlineData("cpu,cpu,cpu", null, 2, 1)]
    [InlineData("cpu,cpu", 3, 8, 3)]
    public void Threads_AreSharedAmongProcesses_UnlessTold(string devices, int? told, int cores, int expected) =>
        Assert.Equal(expected, DeviceList.Parse(devices).List!.ThreadsOfEach(told, cores));

    /// <summary>Two engines on the processor must not take each other's cores for their pictures.</summary>
    [Theory]
    [InlineData("cpu", null, 8, null)]
    [InlineData("cpu,cpu", null, 8, 0)]
    [InlineData("cpu,cpu", 3, 8, 1)]
    [InlineData("cpu,cpu", 1, 2, 0)]
    [InlineData("cpu,cpu,cpu", 1, 2, 0)]
    public void PictureThreads_AreWhatIsLeftOfAShare(string devices, int? told, int cores, int? expected) =>
        Assert.Equal(expected, DeviceList.Parse(devices).List!.PictureThreadsOfEach(told, cores));
}
