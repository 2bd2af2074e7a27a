using Emu3.Inference.Engine;
using Emu3.Inference.Weights;

namespace Emu3.Tests.Unit.Inference.Engine;

[Trait("Suite", "Fast")]
public sealed class CheckpointFactsTests
{
    /// <summary>A job is accepted by what the files say, and run by an engine that loaded them: both must say the same.</summary>
    [Fact]
    public async Task Read_SaysWhatALoadedEngineSays()
    {
        await using var engine = await TestEngines.LoadAsync(TestEngines.Trained);

        Assert.Equal(engine.Model, CheckpointFacts.Read(TestEngines.Trained, vision: null));
    }

    [Fact]
    public void Read_OfNoCheckpoint_SaysWhatIsMissing() =>
        Assert.Throws<CheckpointException>(() => CheckpointFacts.Read(Path.Combine(TestEngines.Trained, "none"), vision: null));
}
