using System.Collections.Immutable;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>
/// A shard's state as it is stored: one row, so that one ETag guards all of it, with a column for each field. It is written whole with every
/// change, so it is kept small: an item takes 5–8 bytes, a finished one about 80 more.
/// </summary>
[GenerateSerializer, Alias("emu3.ShardRow")]
public sealed class ShardRow
{
    /// <summary>2 added what stands under it; a row of 1 has one outcome for each item that ended.</summary>
    public const int NewestVersion = 2;

    [Id(0)] public int SchemaVersion { get; set; } = NewestVersion;
    [Id(1)] public bool IsSealed { get; set; }
    [Id(2)] public bool IsCancelled { get; set; }

    // A value for each item.
    [Id(3)] public byte[] Status { get; set; } = [];
    [Id(4)] public int[] Epoch { get; set; } = [];
    [Id(5)] public byte[] Suspicion { get; set; } = [];

    /// <summary>Place in <see cref="Holders"/>, from 1; 0 is none.</summary>
    [Id(6)] public ushort[] Holder { get; set; } = [];
    [Id(7)] public string[] Holders { get; set; } = [];

    // A value for each outcome, in order. An index in the shard fits a byte.
    [Id(8)] public byte[] OutcomeItem { get; set; } = [];

    // A value for each done outcome, in order.
    [Id(9)] public byte[] FileHashes { get; set; } = [];
    [Id(10)] public byte[] TokensHashes { get; set; } = [];
    [Id(11)] public long[] FileBytes { get; set; } = [];
    [Id(12)] public int[] PromptTokens { get; set; } = [];
    [Id(13)] public int[] PromptImageTokens { get; set; } = [];
    [Id(14)] public int[] GeneratedTokens { get; set; } = [];
    [Id(15)] public int[] ResumedTokens { get; set; } = [];
    [Id(16)] public byte[] ResultFlags { get; set; } = [];

    /// <summary>Place in <see cref="NumericClasses"/>.</summary>
    [Id(17)] public ushort[] NumericClass { get; set; } = [];
    [Id(18)] public string[] NumericClasses { get; set; } = [];

    // A value for each failed outcome, in order.
    [Id(19)] public byte[] FailureCodes { get; set; } = [];
    [Id(20)] public string[] FailureMessages { get; set; } = [];

    // From version 2 on.

    /// <summary>For each outcome, what the item became: version 1 took that from the item's status.</summary>
    [Id(21)] public byte[] OutcomeStatus { get; set; } = [];

    /// <summary>For each done outcome, its place in <see cref="Devices"/>.</summary>
    [Id(22)] public ushort[] MadeBy { get; set; } = [];
    [Id(23)] public string[] Devices { get; set; } = [];
    [Id(24)] public JobOrders Orders { get; set; } = JobOrders.None;

    private const int HashBytes = 32;
    private const byte CameToItsEnd = 1;
    private const byte IsReproducible = 2;

    public static ShardRow From(ShardState state)
    {
        var row = new ShardRow { IsSealed = state.IsSealed, IsCancelled = state.Orders.IsCancelled, Orders = state.Orders };
        row.AddItems(state.Items);
        row.AddOutcomes(state.Outcomes);
        return row;
    }

    public ShardState ToState() => new()
    {
        IsSealed = IsSealed,
        Orders = Orders with { IsCancelled = IsCancelled },
        Items = [.. Status.Select((status, item) =>
            new ItemState((ItemStatus)status, Epoch[item], Holder[item] == 0 ? null : Holders[Holder[item] - 1], Suspicion[item]))],
        Outcomes = ToOutcomes(),
    };

    private void AddItems(ImmutableArray<ItemState> items)
    {
        (Status, Epoch, Suspicion, Holder) = (new byte[items.Length], new int[items.Length], new byte[items.Length], new ushort[items.Length]);
        var holders = new Names();
        for (var item = 0; item < items.Length; item++)
        {
            var state = items[item];
            (Status[item], Epoch[item], Suspicion[item]) = ((byte)state.Status, state.Epoch, (byte)state.Suspicion);
            Holder[item] = state.Holder is null ? (ushort)0 : (ushort)(holders.PlaceOf(state.Holder) + 1);
        }

        Holders = holders.ToArray();
    }

    private void AddOutcomes(ImmutableArray<ShardOutcome> outcomes)
    {
        (OutcomeItem, OutcomeStatus) = (new byte[outcomes.Length], new byte[outcomes.Length]);
        var results = new List<ItemResult>(outcomes.Length);
        var failures = new List<ItemFailure>();
        for (var place = 0; place < outcomes.Length; place++)
        {
            var outcome = outcomes[place];
            (OutcomeItem[place], OutcomeStatus[place]) = ((byte)outcome.Item, (byte)outcome.Status);
            if (outcome.Result is { } result) results.Add(result);
            else if (outcome.Failure is { } failure) failures.Add(failure);
        }

        AddResults(results);
        FailureCodes = [.. failures.Select(failure => (byte)failure.Code)];
        FailureMessages = [.. failures.Select(failure => failure.Message)];
    }

    private void AddResults(List<ItemResult> results)
    {
        var count = results.Count;
        (FileHashes, TokensHashes) = (new byte[count * HashBytes], new byte[count * HashBytes]);
        (FileBytes, PromptTokens, PromptImageTokens) = (new long[count], new int[count], new int[count]);
        (GeneratedTokens, ResumedTokens, ResultFlags) = (new int[count], new int[count], new byte[count]);
        (NumericClass, MadeBy) = (new ushort[count], new ushort[count]);
        var (classes, devices) = (new Names(), new Names());
        for (var place = 0; place < count; place++)
        {
            var result = results[place];
            result.FileHash.CopyTo(FileHashes, place * HashBytes);
            result.TokensHash.CopyTo(TokensHashes, place * HashBytes);
            (FileBytes[place], PromptTokens[place], PromptImageTokens[place]) = (result.FileBytes, result.PromptTokens, result.PromptImageTokens);
            (GeneratedTokens[place], ResumedTokens[place]) = (result.GeneratedTokens, result.ResumedTokens);
            ResultFlags[place] = (byte)((result.CameToItsEnd ? CameToItsEnd : 0) | (result.IsReproducible ? IsReproducible : 0));
            (NumericClass[place], MadeBy[place]) = (classes.PlaceOf(result.NumericClass), devices.PlaceOf(result.MadeBy));
        }

        (NumericClasses, Devices) = (classes.ToArray(), devices.ToArray());
    }

    private ImmutableArray<ShardOutcome> ToOutcomes()
    {
        var outcomes = ImmutableArray.CreateBuilder<ShardOutcome>(OutcomeItem.Length);
        var (done, failed) = (0, 0);
        for (var place = 0; place < OutcomeItem.Length; place++)
        {
            var item = OutcomeItem[place];
            outcomes.Add((ItemStatus)(SchemaVersion < 2 ? Status[item] : OutcomeStatus[place]) switch
            {
                ItemStatus.Done => new ShardOutcome(item, Result(done++), null),
                ItemStatus.Failed => new ShardOutcome(item, null, new ItemFailure((FailureCode)FailureCodes[failed], FailureMessages[failed++])),
                _ => new ShardOutcome(item, null, null),
            });
        }

        return outcomes.MoveToImmutable();
    }

    private ItemResult Result(int place) => new()
    {
        FileHash = FileHashes[(place * HashBytes)..((place + 1) * HashBytes)],
        TokensHash = TokensHashes[(place * HashBytes)..((place + 1) * HashBytes)],
        FileBytes = FileBytes[place],
        PromptTokens = PromptTokens[place],
        PromptImageTokens = PromptImageTokens[place],
        GeneratedTokens = GeneratedTokens[place],
        ResumedTokens = ResumedTokens[place],
        CameToItsEnd = (ResultFlags[place] & CameToItsEnd) != 0,
        IsReproducible = (ResultFlags[place] & IsReproducible) != 0,
        NumericClass = NumericClasses[NumericClass[place]],
        MadeBy = SchemaVersion < 2 ? "" : Devices[MadeBy[place]],
    };

    /// <summary>Text that comes again and again, by number.</summary>
    private sealed class Names
    {
        private readonly Dictionary<string, ushort> _places = [];

        public ushort PlaceOf(string name)
        {
            if (!_places.TryGetValue(name, out var place)) _places[name] = place = (ushort)_places.Count;
            return place;
        }

        public string[] ToArray() => [.. _places.Keys];
    }
}
