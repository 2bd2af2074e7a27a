using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Storage;

namespace Emu3.Tests.Unit.Grains.Jobs;

/// <summary>One stored row with its version, as a database has it; what is written is bytes.</summary>
internal sealed class SimulatedStore<TRow>(Action<TRow>? written = null) where TRow : new()
{
    public static Serializer Serializer { get; } = new ServiceCollection().AddSerializer(serializer => serializer
        .AddAssembly(typeof(ShardRow).Assembly).AddAssembly(typeof(JobId).Assembly)).BuildServiceProvider().GetRequiredService<Serializer>();

    private byte[]? _bytes;
    private int _version;

    /// <summary>All bytes that were ever written.</summary>
    public long WrittenBytes { get; private set; }

    public int WriteCount => _version;

    public (TRow Row, int Version) Read() => (_bytes is null ? new TRow() : Serializer.Deserialize<TRow>(_bytes)!, _version);

    /// <summary>False when another wrote since that version.</summary>
    public bool TryWrite(byte[] bytes, int version)
    {
        if (version != _version) return false;
        _bytes = bytes;
        _version++;
        WrittenBytes += bytes.Length;
        written?.Invoke(Read().Row);
        return true;
    }
}

/// <summary>What becomes of a write on its way.</summary>
internal enum WriteFate
{
    Done,

    /// <summary>It never reached the database.</summary>
    Lost,

    /// <summary>It did, and the answer was lost.</summary>
    AnswerLost,
}

/// <summary>
/// An activation's hold on a row. Writes wait until the test decides what becomes of them, and all that follows from it happens before the test goes on:
/// one thread, no clock, every run of a seed the same.
/// </summary>
internal sealed class SimulatedRow<TRow>(SimulatedStore<TRow> store) : IPersistentState<TRow> where TRow : new()
{
    private (byte[] Bytes, TaskCompletionSource Answer)? _write;
    private int _version = store.Read().Version;

    public TRow State { get; set; } = store.Read().Row;
    public string? Etag => _version == 0 ? null : $"{_version}";
    public bool RecordExists => _version > 0;

    /// <summary>A write is on its way.</summary>
    public bool IsWriting => _write is not null;

    /// <summary>Writes are done at once, and nobody decides.</summary>
    public bool IsPrompt { get; init; }

    public Task WriteStateAsync()
    {
        Assert.False(IsWriting, "one write at a time");
        var answer = new TaskCompletionSource();
        _write = (SimulatedStore<TRow>.Serializer.SerializeToArray(State), answer);
        if (IsPrompt) End(WriteFate.Done);
        return answer.Task;
    }

    public void End(WriteFate fate)
    {
        var (bytes, answer) = _write!.Value;
        _write = null;
        var isWritten = fate != WriteFate.Lost && store.TryWrite(bytes, _version);
        if (fate != WriteFate.Done) answer.SetException(new IOException("no answer"));
        else if (!isWritten) answer.SetException(new InconsistentStateException("written by another"));
        else
        {
            _version++;
            answer.SetResult();
        }
    }

    /// <summary>The process is gone, and with it everyone who waits for the write.</summary>
    public void Crash(bool isWritten)
    {
        if (_write is { } write && isWritten) store.TryWrite(write.Bytes, _version);
        _write = null;
    }

    public Task ReadStateAsync()
    {
        (State, _version) = store.Read();
        return Task.CompletedTask;
    }

    public Task ClearStateAsync() => throw new NotSupportedException();
}
