using Emu3.Benchmarks.Fuzz;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>A short run of <c>Benchmarks fuzz</c>; the long ones are under Benchmarks/results.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class FuzzTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Gateway_UnderAThousandBrokenRequests_RefusesEachAsItShould_AndLives()
    {
        using var run = new FuzzRun(new() { Seed = 20261128, RequestCount = FuzzOptions.RoundLength, Folder = _folder.FullPath, Deadline = TimeSpan.FromMinutes(2) }, output.WriteLine);
        var result = await run.RunAsync(TestContext.Current.CancellationToken);

        output.WriteLine($"{result.Verdict}; {result.Elapsed.TotalSeconds:0} s, the slowest {result.Slowest.TotalSeconds:0.0} s");
        Assert.True(result.Verdict.IsClean, result.Verdict.ToString());
        Assert.Equal(FuzzOptions.RoundLength, result.Verdict.RequestCount);
        // Neither all nor nothing is refused.
        Assert.True(result.Verdict.Count(FuzzOutcome.Success) > 100);
        Assert.True(result.Verdict.Count(FuzzOutcome.Refusal) > 100);
    }
}
