using System.Globalization;
using Orleans.Storage;

namespace Emu3.Storage.Embedded;

/// <summary>
/// Grain state in SQLite: a row for each (grain, state name), with a version as its ETag. Cleared state leaves a tombstone, so that the version
/// of a row only ever grows and a writer from before the clearing is refused.
/// </summary>
public sealed class SqliteGrainStorage(SqliteDb db, IGrainStorageSerializer serializer) : IGrainStorage
{
    /// <summary>What <see cref="SqliteDb"/> needs to hold grain state.</summary>
    public const string Schema = """
        CREATE TABLE IF NOT EXISTS grain_state(
            id INTEGER PRIMARY KEY, grain TEXT NOT NULL, state TEXT NOT NULL, version INTEGER NOT NULL, payload BLOB NULL, UNIQUE(grain, state));
        """;

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        using var connection = db.Open();
        using var command = connection.Command(null, "SELECT version, payload FROM grain_state WHERE grain=$grain AND state=$state",
            ("$grain", grainId.ToString()), ("$state", stateName));
        using var reader = command.ExecuteReader();
        var isRow = reader.Read();
        grainState.ETag = isRow ? reader.GetInt64(0).ToString(CultureInfo.InvariantCulture) : null;
        grainState.RecordExists = isRow && !reader.IsDBNull(1);
        grainState.State = grainState.RecordExists
            ? serializer.Deserialize<T>(new BinaryData(reader.GetFieldValue<byte[]>(1)))
            : Activator.CreateInstance<T>();
        return Task.CompletedTask;
    }

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        grainState.ETag = await PutAsync(stateName, grainId, grainState.ETag, serializer.Serialize(grainState.State).ToArray());
        grainState.RecordExists = true;
    }

    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        if (grainState.ETag is null) return;
        grainState.ETag = await PutAsync(stateName, grainId, grainState.ETag, null);
        grainState.RecordExists = false;
        grainState.State = Activator.CreateInstance<T>();
    }

    private async Task<string> PutAsync(string stateName, GrainId grainId, string? etag, byte[]? payload)
    {
        var grain = grainId.ToString();
        var expected = etag is null ? 0 : long.Parse(etag, CultureInfo.InvariantCulture);
        db.CountPayload(payload?.Length ?? 0);
        var isWritten = await db.WriteAsync((connection, transaction) => etag is null
            ? connection.Execute(transaction,
                "INSERT INTO grain_state(grain, state, version, payload) VALUES($grain, $state, 1, $payload) ON CONFLICT DO NOTHING",
                ("$grain", grain), ("$state", stateName), ("$payload", payload)) == 1
            : connection.Execute(transaction,
                "UPDATE grain_state SET version=version+1, payload=$payload WHERE grain=$grain AND state=$state AND version=$version",
                ("$grain", grain), ("$state", stateName), ("$payload", payload), ("$version", expected)) == 1);
        if (!isWritten)
            throw new InconsistentStateException($"State '{stateName}' of {grain} was written by another since it was read.", "another", etag ?? "none");
        return (expected + 1).ToString(CultureInfo.InvariantCulture);
    }
}
