using Orleans.Storage;

namespace Emu3.Tests.Unit.Storage.Contracts;

public abstract class GrainStorageContract : StoreContract
{
    private readonly GrainId _grain = GrainId.Create("shard", $"job_{Guid.NewGuid():N}/0");

    [Fact]
    public async Task Read_NothingWritten_GivesAFreshStateWithoutETag()
    {
        var state = await ReadAsync();

        Assert.False(state.RecordExists);
        Assert.Null(state.ETag);
        Assert.Empty(state.State!);
    }

    [Fact]
    public async Task Write_IsReadByAnotherProcess()
    {
        var state = await ReadAsync();
        await WriteAsync(state, "first");
        await WriteAsync(state, "second");

        var another = await ReadAsync(from: await OpenAsync());

        Assert.Equal(["second"], another.State);
        Assert.Equal(state.ETag, another.ETag);
        Assert.True(another.RecordExists);
    }

    [Fact]
    public async Task Write_OfAMegabyte_IsReadAsItWas()
    {
        var text = string.Concat(Enumerable.Range(0, 1 << 18).Select(number => (char)('!' + (number * 31 % 9000))));
        await WriteAsync(await ReadAsync(), text);

        Assert.Equal([text], (await ReadAsync()).State);
    }

    [Fact]
    public async Task Inserts_OfOneStateAtOnce_OneWinsAndTheOthersAreRefused()
    {
        var states = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => ReadAsync()));

        var won = await RaceAsync(states);

        Assert.Equal([$"writer {won}"], (await ReadAsync()).State);
    }

    [Fact]
    public async Task Updates_OnOneETagAtOnce_OneWinsAndTheOthersAreRefused()
    {
        await WriteAsync(await ReadAsync(), "before");
        var states = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => ReadAsync()));

        var won = await RaceAsync(states);

        Assert.Equal([$"writer {won}"], (await ReadAsync()).State);
        await WriteAsync(states[won], "after");
    }

    [Fact]
    public async Task Write_WithAnOldETag_IsRefusedAndChangesNothing()
    {
        var mine = await ReadAsync();
        await WriteAsync(mine, "first");
        var another = await ReadAsync();
        await WriteAsync(mine, "mine");

        await Assert.ThrowsAsync<InconsistentStateException>(() => WriteAsync(another, "another"));

        Assert.Equal(["mine"], (await ReadAsync()).State);
    }

    [Fact]
    public async Task Clear_WithAnOldETag_IsRefusedAndChangesNothing()
    {
        var mine = await ReadAsync();
        await WriteAsync(mine, "first");
        var another = await ReadAsync();
        await WriteAsync(mine, "mine");

        await Assert.ThrowsAsync<InconsistentStateException>(() => Stores.Grains.ClearStateAsync("shard", _grain, another, Cancellation));

        Assert.Equal(["mine"], (await ReadAsync()).State);
    }

    [Fact]
    public async Task Clear_RefusesWritersFromBefore_AndTheOneWhoClearedWritesAgain()
    {
        var state = await ReadAsync();
        await WriteAsync(state, "first");
        var before = await ReadAsync();

        await Stores.Grains.ClearStateAsync("shard", _grain, state, Cancellation);

        Assert.False(state.RecordExists);
        Assert.False((await ReadAsync()).RecordExists);
        Assert.Empty((await ReadAsync()).State!);
        await Assert.ThrowsAsync<InconsistentStateException>(() => WriteAsync(before, "late"));
        await Assert.ThrowsAsync<InconsistentStateException>(() => WriteAsync(new() { State = [] }, "new"));
        await WriteAsync(state, "again");
        Assert.Equal(["again"], (await ReadAsync()).State);
    }

    [Fact]
    public async Task Clear_ThenWriteByOneWhoReadIt_IsTaken()
    {
        var state = await ReadAsync();
        await WriteAsync(state, "first");
        await Stores.Grains.ClearStateAsync("shard", _grain, state, Cancellation);

        await WriteAsync(await ReadAsync(), "successor");

        Assert.Equal(["successor"], (await ReadAsync()).State);
        await Assert.ThrowsAsync<InconsistentStateException>(() => WriteAsync(state, "late"));
    }

    [Fact]
    public async Task Grains_OfKeysOfAllKinds_AreApart()
    {
        var number = Guid.NewGuid();
        IdSpan[] keys =
        [
            GrainIdKeyExtensions.CreateIntegerKey(16), GrainIdKeyExtensions.CreateIntegerKey(16, "x"), GrainIdKeyExtensions.CreateIntegerKey(-16),
            GrainIdKeyExtensions.CreateGuidKey(number), GrainIdKeyExtensions.CreateGuidKey(number, "x"),
            .. ((string[])["job_1", "Job_1", "job_1/0", "127.0.0.1:1@2/cuda:0", "schlüssel"]).Select(IdSpan.Create),
        ];
        var grains = keys.Select(key => new GrainId(GrainType.Create("a"), key)).ToList();
        foreach (var grain in grains)
        {
            var state = new GrainState<List<string>> { State = [grain.ToString()] };
            await Stores.Grains.WriteStateAsync("shard", grain, state, Cancellation);
        }

        foreach (var grain in grains) Assert.Equal([grain.ToString()], (await ReadAsync(grain: grain)).State);
    }

    [Fact]
    public async Task States_OfOneGrainUnderTwoNames_AreApart()
    {
        await WriteAsync(await ReadAsync(), "shard");

        Assert.False((await ReadAsync("shard.specs")).RecordExists);
    }

    /// <summary>Who won.</summary>
    private async Task<int> RaceAsync(GrainState<List<string>>[] states)
    {
        var outcomes = await Task.WhenAll(states.Select(async (state, number) =>
        {
            try
            {
                await Task.Yield();
                await WriteAsync(state, $"writer {number}");
                return true;
            }
            catch (InconsistentStateException)
            {
                return false;
            }
        }));
        Assert.Single(outcomes, isWinner => isWinner);
        return Array.IndexOf(outcomes, true);
    }

    private Task WriteAsync(GrainState<List<string>> state, string text)
    {
        state.State = [text];
        return Stores.Grains.WriteStateAsync("shard", _grain, state, Cancellation);
    }

    private async Task<GrainState<List<string>>> ReadAsync(string name = "shard", GrainId? grain = null, Stores? from = null)
    {
        var state = new GrainState<List<string>>();
        await (from ?? Stores).Grains.ReadStateAsync(name, grain ?? _grain, state, Cancellation);
        return state;
    }
}
