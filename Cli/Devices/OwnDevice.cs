using Emu3.Silo;

namespace Emu3.Cli.Devices;

/// <summary>One engine, in the silo of this process: it ends with that.</summary>
internal sealed class OwnDevice(IHost silo) : ILocalDevices
{
    private readonly EngineStatus _engine = silo.Services.GetRequiredService<EngineStatus>();

    public CancellationToken Ended { get; } = silo.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;

    public string EndReason => _engine.Ready.IsFaulted ? _engine.Progress : $"The engine has failed: {_engine.Progress}";

    public string Describe() => _engine.Progress;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
