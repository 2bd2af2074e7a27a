using Emu3.Inference;

namespace Emu3.Silo;

/// <summary>Engines that a silo can be told to make.</summary>
public static class EngineFactories
{
    /// <summary>The real one.</summary>
    public static Task<IEngine> Emu3(EngineOptions options, IServiceProvider services, IProgress<string> progress, CancellationToken cancellationToken) =>
        throw new NotSupportedException("This build has no engine.");
}
