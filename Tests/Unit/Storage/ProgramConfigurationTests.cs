using Emu3.Storage.Configuration;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Unit.Storage;

[Trait("Suite", "Fast")]
[Collection(nameof(Alone))] // the working directory is the whole process's
public sealed class ProgramConfigurationTests : IDisposable
{
    private const string Variable = "Emu3Test__Name";

    private readonly TemporaryFolder _folder = new();
    private readonly string _before = Directory.GetCurrentDirectory();

    public ProgramConfigurationTests()
    {
        foreach (var folder in (string[])["program", "work"]) Directory.CreateDirectory(_folder.PathTo(folder));
        Directory.SetCurrentDirectory(_folder.PathTo("work"));
    }

    private string Program => _folder.PathTo("program");

    public void Dispose()
    {
        Directory.SetCurrentDirectory(_before);
        Environment.SetEnvironmentVariable(Variable, null);
        _folder.Dispose();
    }

    /// <summary>Each source goes before those that were there already.</summary>
    [Fact]
    public void Read_TakesTheFileBesideTheProgram_ThenTheNamedOne_ThenTheEnvironment_ThenTheCommandLine()
    {
        Write("program/appsettings.json", "beside");
        Write("work/more.json", "named");
        Assert.Equal("beside", Read());
        Assert.Equal("named", Read("--config", "more.json"));
        Assert.Equal("named", Read("--config=more.json"));
        Environment.SetEnvironmentVariable(Variable, "environment");
        Assert.Equal("environment", Read("--config", "more.json"));
        Assert.Equal("argument", Read("--config", "more.json", "--Emu3Test:Name", "argument"));
        Assert.Equal("argument", Read("--Emu3Test:Name=argument"));
    }

    [Fact]
    public void Read_LeavesTheWorkingDirectorysFileAlone_AndSaysSo()
    {
        Write("work/appsettings.json", "work");

        Assert.Null(Read());
        var line = ProgramConfiguration.DescribeUnreadFile([], Program);
        Assert.Contains(Path.GetFullPath("appsettings.json"), line, StringComparison.Ordinal);
        Assert.Contains("--config appsettings.json", line, StringComparison.Ordinal);
        Assert.Equal("work", Read("--config", "appsettings.json"));
    }

    [Fact]
    public void WorkingDirectory_WithoutAFile_OrWithOneThatIsRead_NeedsNoLine()
    {
        Assert.Null(ProgramConfiguration.DescribeUnreadFile([], Program));
        Write("work/appsettings.json", "work");
        Assert.Null(ProgramConfiguration.DescribeUnreadFile(["--config", "appsettings.json"], Program));
        Assert.Null(ProgramConfiguration.DescribeUnreadFile([], _folder.PathTo("work")));
    }

    [Theory]
    [InlineData("absent.json", "--config", "absent.json")]
    [InlineData("broken.json", "--config", "broken.json")]
    [InlineData("'control'", "control")]
    [InlineData("'-p'", "-p", "11111")]
    [InlineData("'--Silo:Port' has no value", "--Silo:Port")]
    [InlineData("'--Silo:Port' has no value", "--Silo:Port", "--Silo:Name=one")]
    [InlineData("'11112'", "--Silo:Port", "11111", "11112")]
    public void Read_OfWhatIsNoSetting_IsRefusedByName(string name, params string[] arguments)
    {
        File.WriteAllText(_folder.PathTo("work/broken.json"), "{");

        Assert.Contains(name, Assert.Throws<ConfigurationException>(() => ProgramConfiguration.Read(arguments, Program)).Message, StringComparison.Ordinal);
    }

    private string? Read(params string[] arguments) => ProgramConfiguration.Read(arguments, Program)["Emu3Test:Name"];

    private void Write(string file, string name) => File.WriteAllText(_folder.PathTo(file), $$"""{ "Emu3Test": { "Name": "{{name}}" } }""");
}
