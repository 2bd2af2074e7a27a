namespace Emu3.Grains.Interfaces;

/// <summary>
/// The jobs of a tenant that are kept, whether they have ended or not: what a listing shows. Interactive jobs are not in it. Its key:
/// <see cref="KeyOf"/>.
/// </summary>
[Alias("emu3.IJobCatalog")]
public interface IJobCatalog : IGrainWithStringKey
{
    /// <summary>The key of a tenant's. Not the name alone: Orleans' store on a database takes names of hexadecimal digits for numbers, "beef" and "0beef" for the same.</summary>
    static string KeyOf(string tenant) => $"tenant/{tenant}";

    /// <summary>The key of the catalog of a tenant's batches: the same by the jobs that they are or will be.</summary>
    static string BatchesOf(string tenant) => $"batches/{tenant}";

    /// <summary>Durable when it returns. Idempotent.</summary>
    [Alias("Add")] Task Add(JobId job, DateTimeOffset createdAt);

    /// <summary>Durable when it returns. Idempotent.</summary>
    [Alias("Remove")] Task Remove(JobId job, DateTimeOffset createdAt);

    /// <summary>Newest first.</summary>
    /// <param name="after">The last entry of the page before; null for the first page.</param>
    /// <param name="most">Entries at most.</param>
    [Alias("List")] Task<IReadOnlyList<CatalogEntry>> List(CatalogEntry? after, int most);
}

/// <summary>A job in the catalog.</summary>
[GenerateSerializer, Immutable, Alias("emu3.CatalogEntry")]
public sealed record CatalogEntry([property: Id(0)] JobId Job, [property: Id(1)] DateTimeOffset CreatedAt);
