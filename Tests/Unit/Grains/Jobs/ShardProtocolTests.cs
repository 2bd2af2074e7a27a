using CsCheck;

namespace Emu3.Tests.Unit.Grains.Jobs;

/// <summary>
/// A shard under everything that can happen to it, in any order: calls that come late, twice or from the dead, writes that fail with or without effect,
/// crashes while a write is on its way, and two activations at once that each take themselves for the shard.
/// </summary>
[Trait("Suite", "Fast")]
public sealed class ShardProtocolTests
{
    private static readonly Gen<(int Kind, int A, int B, int C)[]> s_steps = Gen.Select(Gen.Int[0, 99], Gen.Int[0, 999], Gen.Int[0, 999], Gen.Int[0, 9]).Array[10, 160];

    [Fact]
    public void AnyInterleaving_EndsEachItemOnceAnAttempt_AndTakesNothingBack() =>
        Gen.Select(Gen.Int[1, 70], s_steps).Sample((itemCount, steps) => OneThread.Run(thread =>
        {
            var world = new ShardWorld(itemCount, thread);
            foreach (var step in steps) world.Step(step.Kind, step.A, step.B, step.C);
            world.RunToTheEnd();
        }), iter: 400);
}
