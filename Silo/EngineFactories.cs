using System.Diagnostics.Metrics;
using Emu3.Inference;
using Emu3.Inference.Engine;
using Emu3.Inference.Simulation;

namespace Emu3.Silo;

/// <summary>Engines that a silo can be told to make.</summary>
public static class EngineFactories
{
    /// <summary>The one that <see cref="EngineOptions.Kind"/> names.</summary>
    public static Task<IEngine> OfKind(EngineOptions options, IServiceProvider services, IProgress<LoadStage> progress, CancellationToken cancellationToken) => options.Kind switch
    {
        EngineOptions.Simulated => SimulatedEngine.LoadAsync(
            options, services.GetRequiredService<SimulationOptions>(), services.GetRequiredService<TimeProvider>(), progress, cancellationToken),
        _ => Emu3(options, services, progress, cancellationToken),
    };

    /// <summary>The real one.</summary>
    private static Task<IEngine> Emu3(EngineOptions options, IServiceProvider services, IProgress<LoadStage> progress, CancellationToken cancellationToken) =>
        Emu3Engine.LoadAsync(options, services.GetRequiredService<ILoggerFactory>(), services.GetRequiredService<IMeterFactory>(), progress, cancellationToken);
}
