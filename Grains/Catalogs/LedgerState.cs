using System.Collections.Immutable;

namespace Emu3.Grains.Catalogs;

/// <summary>What the ledger knows, and the row that it is stored in.</summary>
[GenerateSerializer, Immutable, Alias("emu3.LedgerState")]
public sealed record LedgerState
{
    [Id(0)] public int SchemaVersion { get; init; } = 1;

    /// <summary>By name of the device.</summary>
    [Id(1)] public ImmutableDictionary<string, DeviceRecord> Devices { get; init; } = ImmutableDictionary<string, DeviceRecord>.Empty;
}

/// <summary>One device.</summary>
[GenerateSerializer, Immutable, Alias("emu3.DeviceRecord")]
public sealed record DeviceRecord
{
    [Id(0)] public DateTimeOffset SeenAt { get; init; }

    /// <summary>The workers that were seen on it last, the latest at the end: whose deaths are its deaths.</summary>
    [Id(1)] public ImmutableList<string> Workers { get; init; } = [];

    /// <summary>Deaths of the last while, with the items that had got no token.</summary>
    [Id(2)] public ImmutableList<DeviceDeath> Deaths { get; init; } = [];

    /// <summary>Why it gets no work; null when it does.</summary>
    [Id(3)] public string? Quarantine { get; init; }
}

/// <summary>One worker's end, and the items that it had begun in vain.</summary>
[GenerateSerializer, Immutable, Alias("emu3.DeviceDeath")]
public sealed record DeviceDeath(
    [property: Id(0)] string Worker, [property: Id(1)] DateTimeOffset At, [property: Id(2)] ImmutableList<string> Items);
