using Emu3.Inference;
using Emu3.Inference.Memory;
using Emu3.Tests.Unit.Inference.Engine;

namespace Emu3.Tests.Golden;

/// <summary>Thousands of steps with arrivals, pictures both ways, ends and cancellations leave nothing behind, on the processor and on TorchSharp.</summary>
[Trait("Suite", "Golden")]
[Collection(nameof(Alone))]
public sealed class EngineEnduranceTests
{
    private const int Steps = 2000, TorchSteps = 150;
    private const long MaxGrowth = 8 << 20; // of the second half of the steps

    private static readonly byte[] s_scene = File.ReadAllBytes(Repository.PathTo("Tests", "Golden", "fixtures", "tiny-a", "images", "scene0.png"));

    /// <summary>On the processor with pictures in pieces between passes, and beside them; TorchSharp, which is slow there, for its tensors.</summary>
    [Theory, InlineData(false, 0, Steps), InlineData(false, 1, Steps), InlineData(true, 0, TorchSteps)]
    public async Task Run_ManyStepsWithJoinsLeavesAndCancellations_LeavesNoTensorAndNoMemory(bool torch, int pictureThreads, int steps)
    {
        await using var engine = await TestEngines.LoadAsync(TestEngines.TinyA, options => (options.TorchOnCpu, options.PictureThreads) = (torch, pictureThreads));
        await engine.AllAsync(TestEngines.Image(2, 2, guidance: 2)); // everything was used once
        await engine.AllAsync(TestEngines.Chat("Hello", 3, s_scene));
        var tensors = engine.LiveTensorCount;
        await ChurnAsync(engine, steps / 2);
        var memory = Held();
        await ChurnAsync(engine, steps / 2);

        await engine.AllAsync(TestEngines.Image(2, 2)); // the last cancellations are behind it
        Assert.Equal(tensors, engine.LiveTensorCount);
        Assert.InRange(Held() - memory, long.MinValue, MaxGrowth);
        var load = engine.Load;
        Assert.True(load.StepCount >= steps);
        Assert.Equal((0, 0), (load.RunningCount, load.WaitingCount));
        Assert.Equal(load.SlotCount, load.FreeSlotCount);
    }

    /// <summary>Resident memory at rest, without the managed heap's garbage and without mapped files, which the system takes back when it wants.</summary>
    private static long Held()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return ProcessMemory.Read().AnonymousBytes;
    }

    /// <summary>Twelve clients, each with one request after the other, every third of which is given up.</summary>
    private static async Task ChurnAsync(Emu3.Inference.Engine.Emu3Engine engine, int steps)
    {
        var end = engine.Load.StepCount + steps;
        await Task.WhenAll(Enumerable.Range(0, 12).Select(async client =>
        {
            for (var i = 0; engine.Load.StepCount < end; i++)
            {
                GenerationRequest request = i % 4 == 3 ? i % 8 == 3 ? TestEngines.Chat("Tell me", 5 + client, s_scene) : TestEngines.Chat("Tell me", 5 + client)
                    : TestEngines.Image(1 + (i + client) % 4, 1 + client % 5, seed: (ulong)i, guidance: 1 + i % 2);
                var tokensToRead = i % 3 == 0 ? client % 5 : int.MaxValue;
                await foreach (var @event in engine.Run(request, TestContext.Current.CancellationToken))
                    if (@event is EngineEvent.TokensGenerated && tokensToRead-- == 0)
                        break;
            }
        }));
    }
}
