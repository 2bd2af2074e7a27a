using System.Collections.Immutable;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace Emu3.Grains.Catalogs;

/// <summary>See <see cref="IModelCatalog"/>.</summary>
[Reentrant]
public sealed partial class ModelCatalog : Grain, IModelCatalog
{
    private readonly DurableState<ImmutableSortedDictionary<string, ModelInfo>, ModelCatalogRow> _models;
    private readonly ILogger<ModelCatalog> _logger;

    public ModelCatalog([PersistentState("modelcatalog", ClusterProviders.GrainStorage)] IPersistentState<ModelCatalogRow> row, ILogger<ModelCatalog> logger)
    {
        _logger = logger;
        _models = new(
            row,
            stored => stored.Models.ToImmutableSortedDictionary(model => model.Name, model => model, StringComparer.Ordinal),
            models => new ModelCatalogRow { Models = [.. models.Values] },
            OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _models.Load();
        return Task.CompletedTask;
    }

    public Task Add(ModelInfo model)
    {
        _models.Current = _models.Current.SetItem(model.Name, model);
        return _models.SettleAsync();
    }

    public Task<IReadOnlyList<ModelInfo>> List()
    {
        _models.ThrowIfFaulted();
        return Task.FromResult<IReadOnlyList<ModelInfo>>([.. _models.Durable.Values]);
    }

    public Task Remove(string name)
    {
        _models.Current = _models.Current.Remove(name);
        return _models.SettleAsync();
    }

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure);
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Error, "The model catalog could not be stored; it starts again from what is stored.")]
    private partial void LogNotStored(Exception failure);
}

/// <summary>The models as they are stored.</summary>
[GenerateSerializer, Alias("emu3.ModelCatalogRow")]
public sealed class ModelCatalogRow
{
    [Id(0)] public int SchemaVersion { get; set; } = 1;
    [Id(1)] public ModelInfo[] Models { get; set; } = [];
}
