using System.Diagnostics.Metrics;
using Emu3.Inference;
using Emu3.Inference.Engine;

namespace Emu3.Silo;

/// <summary>Engines that a silo can be told to make.</summary>
public static class EngineFactories
{
    /// <summary>The real one.</summary>
    public static Task<IEngine> Emu3(EngineOptions options, IServiceProvider services, IProgress<string> progress, CancellationToken cancellationToken) =>
        Emu3Engine.LoadAsync(options, services.GetRequiredService<ILoggerFactory>(), services.GetRequiredService<IMeterFactory>(), progress, cancellationToken);
}
