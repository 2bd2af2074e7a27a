using System.Collections.Immutable;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>
/// A shard's state as it is stored: one row, so that one ETag guards all of it. It is written whole with every change, so it is kept small: packed, and
/// without the outcomes that have settled in <see cref="SettledRow"/>.
/// </summary>
[GenerateSerializer, Alias("emu3.ShardRow")]
public sealed class ShardRow
{
    public const int NewestVersion = 2;

    [Id(0)] public int SchemaVersion { get; set; } = NewestVersion;
    [Id(1)] public bool IsSealed { get; set; }

    // Version 1 had a column for each field. Outcomes had no status of their own: an item had one at most, and the item's was meant.
    [Id(2)] public bool IsCancelled { get; set; }
    [Id(3)] public byte[]? Status { get; set; }
    [Id(4)] public int[]? Epoch { get; set; }
    [Id(5)] public byte[]? Suspicion { get; set; }
    [Id(6)] public ushort[]? Holder { get; set; }
    [Id(7)] public string[]? Holders { get; set; }
    [Id(8)] public byte[]? OutcomeItem { get; set; }
    [Id(9)] public byte[]? FileHashes { get; set; }
    [Id(10)] public byte[]? TokensHashes { get; set; }
    [Id(11)] public long[]? FileBytes { get; set; }
    [Id(12)] public int[]? PromptTokens { get; set; }
    [Id(13)] public int[]? PromptImageTokens { get; set; }
    [Id(14)] public int[]? GeneratedTokens { get; set; }
    [Id(15)] public int[]? ResumedTokens { get; set; }
    [Id(16)] public byte[]? ResultFlags { get; set; }
    [Id(17)] public ushort[]? NumericClass { get; set; }
    [Id(18)] public string[]? NumericClasses { get; set; }
    [Id(19)] public byte[]? FailureCodes { get; set; }
    [Id(20)] public string[]? FailureMessages { get; set; }

    // Version 2.
    [Id(24)] public DesiredState DesiredState { get; set; } = DesiredState.None;

    /// <summary>See <see cref="ItemPack"/>.</summary>
    [Id(25)] public byte[] Items { get; set; } = [];

    /// <summary>Outcomes that are in <see cref="SettledRow"/>, from the first on.</summary>
    [Id(26)] public int SettledCount { get; set; }

    /// <summary>The rest; see <see cref="OutcomePack"/>.</summary>
    [Id(27)] public byte[] Outcomes { get; set; } = [];

    /// <param name="state">The state.</param>
    /// <param name="settledCount">Outcomes that are durable elsewhere.</param>
    public static ShardRow From(ShardState state, int settledCount) => new()
    {
        IsSealed = state.IsSealed,
        DesiredState = state.DesiredState,
        Items = ItemPack.Pack(state.Items),
        SettledCount = settledCount,
        Outcomes = OutcomePack.Pack(state.Outcomes.AsSpan(settledCount..)),
    };

    /// <param name="settled">At least <see cref="SettledCount"/> outcomes.</param>
    public ShardState ToState(ImmutableArray<ShardOutcome> settled) => new()
    {
        IsSealed = IsSealed,
        DesiredState = SchemaVersion < 2 ? DesiredState.None with { IsCancelled = IsCancelled } : DesiredState,
        Items = SchemaVersion < 2 ? [.. Enumerable.Range(0, Status!.Length).Select(ItemOfVersion1)] : ItemPack.Unpack(Items),
        Outcomes = SchemaVersion < 2 ? OutcomesOfVersion1() : [.. settled[..SettledCount], .. OutcomePack.Unpack(Outcomes)],
    };

    private ItemState ItemOfVersion1(int item) =>
        new((ItemStatus)Status![item], Epoch![item], Holder![item] == 0 ? null : Holders![Holder[item] - 1], Suspicion![item]);

    private ImmutableArray<ShardOutcome> OutcomesOfVersion1()
    {
        var (done, failed) = (0, 0);
        return [.. OutcomeItem!.Select(item => (ItemStatus)Status![item] switch
        {
            ItemStatus.Done => new ShardOutcome(item, ResultOfVersion1(done++), null),
            ItemStatus.Failed => new ShardOutcome(item, null, new ItemFailure((FailureCode)FailureCodes![failed], FailureMessages![failed++])),
            _ => new ShardOutcome(item, null, null),
        })];
    }

    private ItemResult ResultOfVersion1(int place) => new()
    {
        FileHash = FileHashes![(place * 32)..((place + 1) * 32)],
        TokensHash = TokensHashes![(place * 32)..((place + 1) * 32)],
        FileBytes = FileBytes![place],
        PromptTokens = PromptTokens![place],
        PromptImageTokens = PromptImageTokens![place],
        GeneratedTokens = GeneratedTokens![place],
        ResumedTokens = ResumedTokens![place],
        CameToItsEnd = (ResultFlags![place] & 1) != 0,
        IsReproducible = (ResultFlags[place] & 2) != 0,
        NumericClass = NumericClasses![NumericClass![place]],
    };
}

/// <summary>
/// The first outcomes of a shard, which never change again: they leave <see cref="ShardRow"/>, which is written with every change. Only outcomes settle that
/// are durable there already, so that what anyone ever writes here, one who was cut off included, is a beginning of the one true list.
/// </summary>
[GenerateSerializer, Alias("emu3.SettledRow")]
public sealed class SettledRow
{
    [Id(0)] public int SchemaVersion { get; set; } = 1;

    /// <summary>See <see cref="OutcomePack"/>.</summary>
    [Id(1)] public byte[] Outcomes { get; set; } = [];
}
