using Emu3.Storage.Embedded;
using Emu3.Tests.Fakes;
using Orleans.Storage;

namespace Emu3.Tests.Unit.Storage.Embedded;

[Trait("Suite", "Fast")]
public sealed class SqliteGrainStorageTests : IDisposable
{
    private static readonly GrainId s_grain = GrainId.Create("shard", "job_1/0");
    private readonly TemporaryFolder _folder = new();
    private SqliteDb _db;
    private SqliteGrainStorage _storage;

    public SqliteGrainStorageTests() => (_db, _storage) = Open();

    public void Dispose()
    {
        _db.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Write_ThenReopen_GivesWhatWasWritten()
    {
        var state = await ReadAsync("shard");
        state.State!.Text = "first";
        await _storage.WriteStateAsync("shard", s_grain, state);
        state.State!.Text = "second";
        await _storage.WriteStateAsync("shard", s_grain, state);

        _db.Dispose();
        (_db, _storage) = Open();
        var again = await ReadAsync("shard");

        Assert.Equal("second", again.State!.Text);
        Assert.Equal("2", again.ETag);
        Assert.True(again.RecordExists);
    }

    [Fact]
    public async Task Clear_LeavesATombstone_ThatRefusesWritersFromBefore()
    {
        var state = await ReadAsync("shard");
        await _storage.WriteStateAsync("shard", s_grain, state);
        var before = await ReadAsync("shard");

        await _storage.ClearStateAsync("shard", s_grain, state);

        Assert.False((await ReadAsync("shard")).RecordExists);
        await Assert.ThrowsAsync<InconsistentStateException>(() => _storage.WriteStateAsync("shard", s_grain, before));
        await Assert.ThrowsAsync<InconsistentStateException>(() => _storage.WriteStateAsync("shard", s_grain, new GrainState<Note> { State = new() }));
        await _storage.WriteStateAsync("shard", s_grain, state);
        Assert.Equal("3", (await ReadAsync("shard")).ETag);
    }

    [Fact]
    public async Task Writers_ManyAtOnce_ShareCommitsAndOneOfEachRaceWins()
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, 400), async (number, _) =>
        {
            var grain = GrainId.Create("shard", (number / 2).ToString(System.Globalization.CultureInfo.InvariantCulture)); // two writers each
            try
            {
                await _storage.WriteStateAsync("shard", grain, new GrainState<Note> { State = new() { Text = "x" } });
            }
            catch (InconsistentStateException)
            {
                Interlocked.Increment(ref _refused);
            }
        });

        Assert.Equal(200, _refused);
        Assert.Equal(400, _db.WriteCount);
        Assert.True(_db.CommitCount <= 400);
    }

    [Fact]
    public async Task Write_ThatThrows_FailsAloneInItsBatch()
    {
        var writes = Enumerable.Range(0, 50).Select(number => _db.WriteAsync((connection, transaction) =>
            number == 17 ? throw new InvalidOperationException("17") : number)).ToList();

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => Task.WhenAll(writes));

        Assert.Equal("17", failure.Message);
        Assert.Equal(49, writes.Count(write => write.IsCompletedSuccessfully));
    }

    private int _refused;

    private (SqliteDb, SqliteGrainStorage) Open()
    {
        var db = new SqliteDb(_folder.PathTo("state.db"), SqliteGrainStorage.Schema);
        return (db, new SqliteGrainStorage(db, new JsonNotes()));
    }

    private async Task<GrainState<Note>> ReadAsync(string name)
    {
        var state = new GrainState<Note>();
        await _storage.ReadStateAsync(name, s_grain, state);
        return state;
    }

    private sealed class Note
    {
        public string Text { get; set; } = "";
    }

    private sealed class JsonNotes : IGrainStorageSerializer
    {
        public BinaryData Serialize<T>(T? input) => BinaryData.FromObjectAsJson(input);
        public T Deserialize<T>(BinaryData input) => input.ToObjectFromJson<T>()!;
    }
}
