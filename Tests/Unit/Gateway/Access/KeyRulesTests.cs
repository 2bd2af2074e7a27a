using Emu3.Gateway.Access;
using Emu3.Storage.Configuration;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Unit.Gateway.Access;

[Trait("Suite", "Fast")]
public sealed class KeyRulesTests : IDisposable
{
    private const string Key = "0123456789-0123456789-0123456789";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("http://127.0.0.1:8080", null, false)]
    [InlineData("http://127.8.9.10:0", null, false)]
    [InlineData("http://[::1]:8080", null, false)]
    [InlineData("http://localhost:8080", null, false)]
    [InlineData("http://127.0.0.1:8080", KeyMode.Required, true)]
    [InlineData("http://127.0.0.1:8080", KeyMode.Off, false)]
    [InlineData("http://0.0.0.0:8080", null, true)]
    [InlineData("http://[::]:8080", null, true)]
    [InlineData("http://10.0.0.7:8080", KeyMode.Required, true)]
    [InlineData("http://localhost.example.org:8080", null, true)]
    public void Of_AnAddress_RequiresKeys_UnlessOnlyThisMachineReachesIt(string address, KeyMode? said, bool areRequired) =>
        Assert.Equal(areRequired, KeyRules.Of(new() { Keys = said }, new(address)).AreRequired);

    [Fact]
    public void Of_OffElsewhere_IsRefusedByName()
    {
        var wrong = Assert.Throws<ConfigurationException>(() => KeyRules.Of(new() { Keys = KeyMode.Off }, new("http://0.0.0.0:8080")));

        Assert.Contains("Gateway:Keys: is Off, which is allowed on loopback addresses only", Assert.Single(wrong.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_ABootstrapFile_RequiresKeys_AndKnowsTheKeyInIt()
    {
        var rules = KeyRules.Of(new() { BootstrapKeyFile = Write($"{Key}\n") }, new("http://127.0.0.1:8080"));

        Assert.True(rules.AreRequired);
        Assert.True(rules.Bootstrap!.Is(Key));
        Assert.False(rules.Bootstrap.Is(Key[..^1]));
        Assert.False(rules.Bootstrap.Is(""));
    }

    [Theory]
    [InlineData("short", "has 5 characters; 32 are the least")]
    [InlineData("", "has 0 characters; 32 are the least")]
    [InlineData("0123456789 0123456789 0123456789 0123456789", "visible ASCII")]
    public void Of_ABootstrapFileThatIsNoKey_IsRefusedByName_WithoutTellingIt(string content, string problem)
    {
        var wrong = Assert.Throws<ConfigurationException>(() => KeyRules.Of(new() { BootstrapKeyFile = Write(content) }, new("http://127.0.0.1:8080")));

        var said = Assert.Single(wrong.Problems);
        Assert.StartsWith("Gateway:BootstrapKeyFile: ", said, StringComparison.Ordinal);
        Assert.Contains(problem, said, StringComparison.Ordinal);
        if (content.Length > 0) Assert.DoesNotContain(content, said, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_ABootstrapFileThatIsMissing_IsRefusedByName() =>
        Assert.Contains(
            "Gateway:BootstrapKeyFile: must name a file that can be read",
            Assert.Throws<ConfigurationException>(() => KeyRules.Of(new() { BootstrapKeyFile = _folder.PathTo("none") }, new("http://127.0.0.1:8080"))).Message,
            StringComparison.Ordinal);

    private string Write(string content)
    {
        File.WriteAllText(_folder.PathTo("key"), content);
        return _folder.PathTo("key");
    }
}
