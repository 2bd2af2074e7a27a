using Emu3.Inference;
using Emu3.Tests.Unit.Inference.Engine;

namespace Emu3.Tests.Golden;

/// <summary>Thousands of steps with arrivals, ends and cancellations leave nothing behind.</summary>
[Trait("Suite", "Golden")]
[Collection(nameof(Alone))]
public sealed class EngineEnduranceTests
{
    private const int Steps = 2000;

    [Fact]
    public async Task Run_ManyStepsWithJoinsLeavesAndCancellations_LeavesNoTensorAndNoMemory()
    {
        await using var engine = await TestEngines.LoadAsync(TestEngines.TinyA);
        await engine.AllAsync(TestEngines.Image(2, 2, guidance: 2)); // everything was used once
        await engine.AllAsync(TestEngines.Chat("Hello", 3));
        var tensors = engine.LiveTensorCount;
        await ChurnAsync(engine, Steps / 2);
        var memory = Environment.WorkingSet;
        await ChurnAsync(engine, Steps / 2);

        await engine.AllAsync(TestEngines.Image(2, 2)); // the last cancellations are behind it
        Assert.Equal(tensors, engine.LiveTensorCount);
        Assert.InRange(Environment.WorkingSet - memory, long.MinValue, 32 << 20);
        var load = engine.Load;
        Assert.True(load.StepCount >= Steps);
        Assert.Equal((0, 0), (load.RunningCount, load.WaitingCount));
        Assert.Equal(load.SlotCount, load.FreeSlotCount);
    }

    /// <summary>Twelve clients, each with one request after the other, every third of which is given up.</summary>
    private static async Task ChurnAsync(Emu3.Inference.Engine.Emu3Engine engine, int steps)
    {
        var end = engine.Load.StepCount + steps;
        await Task.WhenAll(Enumerable.Range(0, 12).Select(async client =>
        {
            for (var i = 0; engine.Load.StepCount < end; i++)
            {
                GenerationRequest request = i % 4 == 3 ? TestEngines.Chat("Tell me", 5 + client)
                    : TestEngines.Image(1 + (i + client) % 4, 1 + client % 5, seed: (ulong)i, guidance: 1 + i % 2);
                var tokensToRead = i % 3 == 0 ? client % 5 : int.MaxValue;
                await foreach (var @event in engine.Run(request, TestContext.Current.CancellationToken))
                    if (@event is EngineEvent.TokensGenerated && tokensToRead-- == 0)
                        break;
            }
        }));
    }
}
