using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Catalogs;

/// <summary>Newest first; jobs of one moment by their ids, so that a page's end names its place for ever.</summary>
internal sealed class CatalogOrder : IComparer<CatalogEntry>
{
    public static readonly CatalogOrder Instance = new();

    public int Compare(CatalogEntry? x, CatalogEntry? y)
    {
        var byAge = y!.CreatedAt.UtcTicks.CompareTo(x!.CreatedAt.UtcTicks);
        return byAge != 0 ? byAge : string.CompareOrdinal(x.Job.Value, y.Job.Value);
    }

    /// <summary>The hour that an entry belongs to, counted from the Unix epoch.</summary>
    public static int HourOf(DateTimeOffset time) => checked((int)Math.Floor((time - DateTimeOffset.UnixEpoch).TotalHours));
}
