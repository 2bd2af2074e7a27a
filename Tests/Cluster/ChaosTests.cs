using Emu3.Benchmarks.Chaos;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>A short run of <c>Benchmarks chaos</c>; the long ones are under Benchmarks/results.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class ChaosTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Cluster_UnderTwelveFaults_LosesNothing_AndMakesNothingTwice()
    {
        var options = new ChaosOptions
        {
            Seed = 20261125,
            FaultCount = 12,
            ItemCount = 200,
            IsSimulated = true,
            MeanGap = TimeSpan.FromSeconds(2),
            WorkerCount = 2,
            Folder = _folder.FullPath,
        };
        var result = await new ChaosRun(options, output.WriteLine).RunAsync(TestContext.Current.CancellationToken);

        output.WriteLine($"{result.Verdict}; {result.Verdict.Resumed} resumed inside, {result.ItemCount} items, {result.Elapsed.TotalSeconds:0} s");
        Assert.Equal("lost 0, twice 0, different 0, poisoned 0", result.Verdict.ToString());
        Assert.Equal(12, result.Injected.Values.Sum());
        Assert.Equal(result.ItemCount, result.Verdict.Right);
        Assert.True(result.ItemCount >= 200);
    }
}
