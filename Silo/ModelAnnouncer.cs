using Emu3.Grains.Interfaces;
using Emu3.Grains.Workers;
using Emu3.Inference.Engine;
using Emu3.Inference.Weights;

namespace Emu3.Silo;

/// <summary>
/// Makes the checkpoints of <c>Silo:Models</c> known to the cluster, so that jobs for them are accepted before any worker has loaded one. Reads files
/// alone: a control silo needs no device for it.
/// </summary>
public sealed partial class ModelAnnouncer(SiloSettings settings, IGrainFactory grains, TimeProvider time, ILogger<ModelAnnouncer> logger) : BackgroundService
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        foreach (var model in settings.Models) await AnnounceAsync(model, stoppingToken);
    }

    private async Task AnnounceAsync(string model, CancellationToken cancellationToken)
    {
        ModelInfo info;
        try
        {
            var folders = model.Split(';', 2, StringSplitOptions.TrimEntries);
            info = ModelInfos.From(CheckpointFacts.Read(folders[0], folders.Length > 1 ? folders[1] : null));
        }
        catch (Exception broken) when (broken is CheckpointException or IOException or UnauthorizedAccessException)
        {
            LogBroken(broken, model);
            return;
        }

        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await grains.GetGrain<IModelCatalog>(0).Add(info);
                LogKnown(info.Name, info.WeightsHash);
                return;
            }
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
            {
                LogNotAdded(failure, info.Name);
                await Task.Delay(s_pause, time, cancellationToken);
            }
        }
    }

    [LoggerMessage(LogLevel.Information, "Jobs for {Model} are accepted, weights {WeightsHash}.")]
    private partial void LogKnown(string model, string weightsHash);

    [LoggerMessage(LogLevel.Error, "Silo:Models names {Model}, which can't be read: jobs for it are accepted only when a worker has loaded it.")]
    private partial void LogBroken(Exception broken, string model);

    [LoggerMessage(LogLevel.Warning, "{Model} could not be made known; it is tried again.")]
    private partial void LogNotAdded(Exception failure, string model);
}
