using Emu3.Grains.Jobs;

namespace Emu3.Silo;

/// <summary>
/// Runs while the silo is still in the cluster and answers calls: engines give their work back, then the silo's long calls are ended.
/// A call left running would keep the silo from leaving until the host's patience is spent.
/// </summary>
public sealed class SiloDrain(EngineHostedService engines, SiloLife life) : ILifecycleParticipant<ISiloLifecycle>
{
    public void Participate(ISiloLifecycle lifecycle) =>
        lifecycle.Subscribe(nameof(SiloDrain), ServiceLifecycleStage.Active + 1, _ => Task.CompletedTask, async cancellationToken =>
        {
            await engines.DrainAsync(cancellationToken);
            life.Stop();
        });
}
