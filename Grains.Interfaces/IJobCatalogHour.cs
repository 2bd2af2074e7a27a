namespace Emu3.Grains.Interfaces;

/// <summary>
/// A page of <see cref="IJobCatalog"/>, which alone calls it: the jobs that a tenant made within one hour, so that no row grows with all that a
/// tenant ever made. Key: the tenant, a slash, and the hours since the Unix epoch.
/// </summary>
[Alias("emu3.IJobCatalogHour")]
public interface IJobCatalogHour : IGrainWithStringKey
{
    /// <summary>Durable when it returns. Idempotent.</summary>
    [Alias("Add")] Task Add(CatalogEntry entry);

    /// <summary>Durable when it returns. Idempotent.</summary>
    [Alias("Remove")] Task Remove(CatalogEntry entry);

    /// <summary>Newest first, behind <paramref name="after"/> where there is one.</summary>
    [Alias("List")] Task<IReadOnlyList<CatalogEntry>> List(CatalogEntry? after, int most);
}
