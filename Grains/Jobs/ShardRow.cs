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
    [Id(0)] public int SchemaVersion { get; set; } = 1;
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

    // A value for each done item, in the order of outcomes.
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

    // A value for each failed item, in the order of outcomes.
    [Id(19)] public byte[] FailureCodes { get; set; } = [];
    [Id(20)] public string[] FailureMessages { get; set; } = [];

    private const int HashBytes = 32;
    private const byte CameToItsEnd = 1;
    private const byte IsReproducible = 2;

    public static ShardRow From(ShardState state)
    {
        var done = state.Outcomes.Where(outcome => outcome.Result is not null).Select(outcome => outcome.Result!).ToArray();
        var failed = state.Outcomes.Where(outcome => outcome.Failure is not null).Select(outcome => outcome.Failure!).ToArray();
        var holders = state.Items.Select(item => item.Holder).OfType<string>().Distinct().ToArray();
        var classes = done.Select(result => result.NumericClass).Distinct().ToArray();
        return new()
        {
            IsSealed = state.IsSealed,
            IsCancelled = state.IsCancelled,
            Status = [.. state.Items.Select(item => (byte)item.Status)],
            Epoch = [.. state.Items.Select(item => item.Epoch)],
            Suspicion = [.. state.Items.Select(item => (byte)item.Suspicion)],
            Holder = [.. state.Items.Select(item => (ushort)(Array.IndexOf(holders, item.Holder) + 1))],
            Holders = holders,
            OutcomeItem = [.. state.Outcomes.Select(outcome => (byte)outcome.Item)],
            FileHashes = [.. done.SelectMany(result => result.FileHash)],
            TokensHashes = [.. done.SelectMany(result => result.TokensHash)],
            FileBytes = [.. done.Select(result => result.FileBytes)],
            PromptTokens = [.. done.Select(result => result.PromptTokens)],
            PromptImageTokens = [.. done.Select(result => result.PromptImageTokens)],
            GeneratedTokens = [.. done.Select(result => result.GeneratedTokens)],
            ResumedTokens = [.. done.Select(result => result.ResumedTokens)],
            ResultFlags = [.. done.Select(result => (byte)((result.CameToItsEnd ? CameToItsEnd : 0) | (result.IsReproducible ? IsReproducible : 0)))],
            NumericClass = [.. done.Select(result => (ushort)Array.IndexOf(classes, result.NumericClass))],
            NumericClasses = classes,
            FailureCodes = [.. failed.Select(failure => (byte)failure.Code)],
            FailureMessages = [.. failed.Select(failure => failure.Message)],
        };
    }

    public ShardState ToState()
    {
        var outcomes = ImmutableList.CreateBuilder<ShardOutcome>();
        var (done, failed) = (0, 0);
        foreach (var item in OutcomeItem)
        {
            outcomes.Add((ItemStatus)Status[item] switch
            {
                ItemStatus.Done => new ShardOutcome(item, Result(done++), null),
                ItemStatus.Failed => new ShardOutcome(item, null, new ItemFailure((FailureCode)FailureCodes[failed], FailureMessages[failed++])),
                _ => new ShardOutcome(item, null, null),
            });
        }

        return new()
        {
            IsSealed = IsSealed,
            IsCancelled = IsCancelled,
            Items = [.. Status.Select((status, item) =>
                new ItemState((ItemStatus)status, Epoch[item], Holder[item] == 0 ? null : Holders[Holder[item] - 1], Suspicion[item]))],
            Outcomes = outcomes.ToImmutable(),
        };
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
    };
}

/// <summary>What a shard's items are: written while the job is open, read only afterwards.</summary>
[GenerateSerializer, Alias("emu3.ShardSpecs")]
public sealed class ShardSpecs
{
    [Id(0)] public int SchemaVersion { get; set; } = 1;
    [Id(1)] public JobSpec? Job { get; set; }
    [Id(2)] public List<ItemSpec> Items { get; set; } = [];
}
