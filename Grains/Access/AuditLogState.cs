using System.Collections.Immutable;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Access;

/// <summary>The newest acts as they are stored: two pages at most, so that the row never grows.</summary>
[GenerateSerializer, Immutable, Alias("emu3.AuditLogState")]
public sealed record AuditLogState
{
    [Id(0)] public int SchemaVersion { get; init; } = 1;

    /// <summary>Number of the first of <see cref="Entries"/>: a multiple of <see cref="IAuditPage.Size"/>. All before are in pages.</summary>
    [Id(1)] public long First { get; init; }

    /// <summary>Oldest first.</summary>
    [Id(2)] public ImmutableList<AuditEntry> Entries { get; init; } = [];

    /// <summary>Whether the older half must go to a page before another act is taken.</summary>
    public bool IsFull => Entries.Count >= 2 * IAuditPage.Size;

    /// <summary>The oldest acts here, which fill one page.</summary>
    public AuditRecord[] OldestPage() => [.. Entries.Take(IAuditPage.Size).Select((entry, at) => new AuditRecord(First + at, entry))];

    /// <summary>Without them: they are durable in their page.</summary>
    public AuditLogState WithoutOldestPage() => this with { First = First + IAuditPage.Size, Entries = Entries.RemoveRange(0, IAuditPage.Size) };

    /// <summary>With one act more. One that is here already changes nothing.</summary>
    public AuditLogState With(AuditEntry entry) => Entries.Exists(known => known.Id == entry.Id) ? this : this with { Entries = Entries.Add(entry) };

    /// <summary>Those with smaller numbers than that, newest first, of those that are here.</summary>
    public AuditRecord[] Before(long before, int most)
    {
        var end = (int)Math.Clamp(before - First, 0, Entries.Count);
        var start = Math.Max(0, end - most);
        return [.. Enumerable.Range(start, end - start).Reverse().Select(at => new AuditRecord(First + at, Entries[at]))];
    }
}

/// <summary>A page as it is stored.</summary>
[GenerateSerializer, Alias("emu3.AuditPageRow")]
public sealed class AuditPageRow
{
    [Id(0)] public int SchemaVersion { get; set; } = 1;
    [Id(1)] public AuditRecord[] Records { get; set; } = [];
}
