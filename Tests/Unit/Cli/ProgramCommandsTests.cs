using Emu3.Cli;

namespace Emu3.Tests.Unit.Cli;

/// <summary><c>emu3 silo</c> and <c>emu3 gateway</c>: their settings reach the programs, and what is wrong with them is told by name.</summary>
[Trait("Suite", "Fast")]
public sealed class ProgramCommandsTests
{
    [Theory]
    [InlineData("Silo:Roles has 'boss'", "silo", "--Silo:Roles:0=boss")]
    [InlineData("Silo:Roles has 'boss'", "silo", "--Silo:Roles:0", "boss")]
    [InlineData("Silo:Port", "silo", "--Silo:Roles:0=control", "--Silo:Port", "70000")]
    [InlineData("Modell", "silo", "--Engine:Modell=x")]
    [InlineData("'control' is no setting", "silo", "control")]
    [InlineData("absent.json", "silo", "--config", "absent.json")]
    [InlineData("Gateway:Address", "gateway", "--Gateway:Address", "ftp://example.org")]
    [InlineData("Addres", "gateway", "--Gateway:Addres=http://127.0.0.1:8080")]
    [InlineData("Cluster:DatabaseWait", "gateway", "--Cluster:DatabaseWait=-1")]
    [InlineData("Gateway:ReadyGrace", "gateway", "--Gateway:ReadyGrace=02:00:00")]
    public async Task Setting_ThatIsWrong_IsToldByName_AndNothingStarts(string named, params string[] arguments)
    {
        var (code, text) = await RunAsync(arguments);

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains(named, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_HasTheVerbsOfACluster_AndNotTheOneForChildren()
    {
        var (code, text) = await RunAsync("--help");

        Assert.Equal(ExitCode.AllDone, code);
        var verbs = text.Split('\n').Select(line => line.TrimStart().Split(' ')[0]).ToList();
        Assert.Contains("silo", verbs);
        Assert.Contains("gateway", verbs);
        Assert.DoesNotContain("device", verbs);
    }

    private static async Task<(int Code, string Text)> RunAsync(params string[] arguments)
    {
        var output = new StringWriter();
        var console = new CliConsole { Out = output, Error = output, OpenInput = () => Stream.Null, IsLive = false, Time = TimeProvider.System };
        return (await CommandLine.RunAsync(arguments, console, TestContext.Current.CancellationToken), output.ToString());
    }
}
