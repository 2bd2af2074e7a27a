namespace Emu3.Grains.Interfaces;

/// <summary>
/// The models that the cluster has run, kept so that a job can be checked and accepted while no worker is up. Key: 0.
/// </summary>
[Alias("emu3.IModelCatalog")]
public interface IModelCatalog : IGrainWithIntegerKey
{
    /// <summary>Durable when it returns. Idempotent; other weights under a known name take its place.</summary>
    [Alias("Add")] Task Add(ModelInfo model);

    /// <summary>One entry a name.</summary>
    [Alias("List")] Task<IReadOnlyList<ModelInfo>> List();

    /// <summary>Forgets a name. Idempotent.</summary>
    [Alias("Remove")] Task Remove(string name);
}
