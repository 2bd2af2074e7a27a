using Emu3.Inference;
using Emu3.Inference.Engine;

namespace Emu3.Tests.Unit.Inference.Engine;

[Trait("Suite", "Fast")]
public sealed class InvarianceStoreTests : IDisposable
{
    private const string Conditions = "device A; shapes 1";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("emu3-verdicts-");

    public void Dispose() => _folder.Delete(recursive: true);

    private InvarianceStore Store => new(_folder.FullName);

    private string KeptFile => Assert.Single(Directory.EnumerateFiles(Path.Combine(_folder.FullName, "row-invariance")));

    private static int? MustNotTest() => throw new InvalidOperationException("The verdict is kept: nothing is to be tested.");

    [Theory]
    [InlineData(16)]
    [InlineData(null)] // that no floor holds is a verdict too
    public void FindOrTest_ASecondTime_TestsNothing(int? floor)
    {
        Assert.Contains("written to", Store.FindOrTest(Conditions, () => floor).Origin, StringComparison.Ordinal);
        var again = Store.FindOrTest(Conditions, MustNotTest);
        Assert.Equal(floor, again.Floor);
        Assert.Contains($"kept in {KeptFile}", again.Origin, StringComparison.Ordinal);
    }

    [Fact]
    public void FindOrTest_OtherConditions_TestsAndKeepsBoth()
    {
        Store.FindOrTest(Conditions, () => 8);
        Assert.Equal(32, Store.FindOrTest("device B; shapes 1", () => 32).Floor);
        Assert.Equal(8, Store.FindOrTest(Conditions, MustNotTest).Floor);
    }

    [Theory]
    [InlineData("", "could not be read")]
    [InlineData("{\"conditions\":", "could not be read")]
    [InlineData("null", "was about other conditions")]
    [InlineData("{\"conditions\":\"device A; shapes 2\",\"floor\":4}", "was about other conditions")]
    [InlineData("{\"conditions\":\"device A; shapes 1\",\"floor\":0}", "had the floor 0")]
    public void FindOrTest_BrokenOrForeignFile_TestsAndWritesItAnew(string text, string problem)
    {
        Store.FindOrTest(Conditions, () => 8);
        File.WriteAllText(KeptFile, text);
        var verdict = Store.FindOrTest(Conditions, () => 16);
        Assert.Equal(16, verdict.Floor);
        Assert.Contains(problem, verdict.Origin, StringComparison.Ordinal);
        Assert.Equal(16, Store.FindOrTest(Conditions, MustNotTest).Floor);
    }

    [Fact]
    public void FindOrTest_FolderThatCantBeMade_SaysSoAndGoesOn()
    {
        var file = Path.Combine(_folder.FullName, "file");
        File.WriteAllText(file, "");
        var verdict = new InvarianceStore(file).FindOrTest(Conditions, () => 16);
        Assert.Equal(16, verdict.Floor);
        Assert.Contains("can't be written", verdict.Origin, StringComparison.Ordinal);
    }

    [Fact]
    public void FindOrTest_WithoutFolder_TestsEachTime()
    {
        var count = 0;
        for (var i = 0; i < 2; i++)
            new InvarianceStore(null).FindOrTest(Conditions, () => ++count);
        Assert.Equal(2, count);
    }

    [Fact]
    public void Load_ASecondTime_RunsNoTestAndIsOfTheSameClass()
    {
        var (first, stages, origin) = Load();
        Assert.Contains("testing row invariance", stages);
        Assert.Contains("tested in", origin, StringComparison.Ordinal);
        var (second, stagesAgain, originAgain) = Load();
        Assert.DoesNotContain("testing row invariance", stagesAgain);
        Assert.Contains("kept in", originAgain, StringComparison.Ordinal);
        Assert.Equal(first, second);
        Assert.True(first.RowInvariant);
    }

    private (NumericClass Class, IReadOnlyList<string> Stages, string? Origin) Load()
    {
        var options = new EngineOptions { Model = TestEngines.TinyA, Threads = TestEngines.Threads, SlotCount = 2, TorchOnCpu = true, DataFolder = _folder.FullName };
        var stages = new Stages();
        using var loaded = LoadedModel.Load(options, stages, TestContext.Current.CancellationToken);
        return (loaded.Backend.NumericClass, stages.Told, loaded.Backend.SelfTest);
    }

    private sealed class Stages : IProgress<LoadStage>
    {
        public List<string> Told { get; } = [];

        public void Report(LoadStage value) => Told.Add(value.What);
    }
}
