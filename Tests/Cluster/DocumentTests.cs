using Emu3.Benchmarks.Fuzz.Document;
using Emu3.Gateway.Access;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>A short run of <c>Benchmarks document</c>: everything that the OpenAPI document offers, asked for with requests that are made from it.</summary>
[Trait("Suite", "Cluster")]
public sealed class DocumentTests(ITestOutputHelper output) : IDisposable
{
    private const string Key = "a-bootstrap-key-of-32-characters-and-more";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Gateway_DoesWhatItsDocumentSays_AndNothingElse()
    {
        await File.WriteAllTextAsync(_folder.PathTo("key"), Key, TestContext.Current.CancellationToken);
        await using var gateway = await GatewayCluster.StartAsync(options: new() { Keys = KeyMode.Required, BootstrapKeyFile = _folder.PathTo("key") });
        using var run = new DocumentRun(gateway.Address, Key, null, seed: 1);
        var tally = await run.RunAsync(500, TestContext.Current.CancellationToken);

        foreach (var row in tally.Rows()) output.WriteLine(string.Join(" | ", row));
        foreach (var reason in tally.Reasons()) output.WriteLine(string.Join(" × ", reason));
        foreach (var violation in tally.Violations) output.WriteLine(violation);
        output.WriteLine(tally.ToString());
        Assert.True(tally.Violations.Count == 0, string.Join('\n', tally.Violations));
    }
}
