using System.Collections.Immutable;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Access;

/// <summary>The keys as they are stored.</summary>
[GenerateSerializer, Immutable, Alias("emu3.KeyRingState")]
public sealed record KeyRingState
{
    [Id(0)] public int SchemaVersion { get; init; } = 1;

    /// <summary>Counts changes.</summary>
    [Id(1)] public long Version { get; init; }

    /// <summary>By id.</summary>
    [Id(2)] public ImmutableDictionary<string, ApiKey> Keys { get; init; } = ImmutableDictionary<string, ApiKey>.Empty;
}
