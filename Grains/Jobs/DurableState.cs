using Emu3.Grains.Interfaces;
using Emu3.Storage;

namespace Emu3.Grains.Jobs;

/// <summary>
/// State that is decided in memory and told only when it is on disk. A decision replaces <see cref="Current"/> in one step; <see cref="SaveAsync"/> then
/// waits for a write that began after it. One write runs at a time; decisions that come meanwhile share the next one, and so do those that come sooner
/// after the last one's beginning than <paramref name="pace"/> says.
/// After a failed write memory may be ahead of the disk or behind another writer: nothing is told from it any more.
/// </summary>
/// <param name="row">Where it is stored.</param>
/// <param name="read">State of a stored row.</param>
/// <param name="write">Row to store.</param>
/// <param name="giveUp">Called once when a write fails: the grain must go, and come back with what the disk has.</param>
/// <param name="prepare">Runs before each write, on what is durable. When it fails, so does the write.</param>
/// <param name="pace">From the beginning of one write to that of the next at least; none when absent.</param>
internal sealed class DurableState<TState, TRow>(
    IPersistentState<TRow> row, Func<TRow, TState> read, Func<TState, TRow> write, Action<Exception> giveUp, Func<TState, Task>? prepare = null, Throttle? pace = null)
    where TState : class
{
    private TaskCompletionSource? _next;
    private bool _isWriting;
    private Task _writing = Task.CompletedTask;
    private Exception? _failure;

    /// <summary>The latest decision. Decide by it; never tell from it.</summary>
    public TState Current { get; set; } = null!;

    /// <summary>The latest decision that is on disk: what readers are told.</summary>
    public TState Durable { get; private set; } = null!;

    /// <summary>Takes up what the activation has read.</summary>
    public void Load() => Current = Durable = read(row.State);

    /// <summary>Throws when a write has failed: whatever memory says is void.</summary>
    public void ThrowIfFaulted()
    {
        if (_failure is not null) throw new StateLostException(_failure.Message);
    }

    /// <summary>Completes when all that was decided so far is on disk; writes nothing if it is already.</summary>
    public Task SettleAsync()
    {
        ThrowIfFaulted();
        return ReferenceEquals(Current, Durable) ? Task.CompletedTask : SaveAsync();
    }

    /// <summary>Completes when a write that begins after this call has succeeded.</summary>
    public Task SaveAsync()
    {
        ThrowIfFaulted();
        _next ??= new TaskCompletionSource();
        var mine = _next.Task;
        if (!_isWriting) _writing = WriteAsync(); // its outcome reaches everyone through their tasks
        return mine;
    }

    /// <summary>
    /// Removes the row, and lets nothing be written after it: whoever decides later learns that the state is void. The activation must go.
    /// </summary>
    public async Task ClearAsync()
    {
        ThrowIfFaulted();
        while (_isWriting) await _writing;
        _failure = new InvalidOperationException("it was removed");
        try
        {
            await row.ClearStateAsync();
        }
        catch (Exception failure)
        {
            giveUp(failure);
            throw;
        }
    }

    private async Task WriteAsync()
    {
        _isWriting = true;
        while (_next is { } waiting)
        {
            TState written;
            try
            {
                if (pace is not null) await pace.NextAsync();
                if (prepare is not null) await prepare(Durable);
                _next = null;
                written = Current;
                row.State = write(written);
                await StoreMetrics.MeasureAsync(StoreMetrics.State, () => row.WriteStateAsync());
            }
            catch (Exception failure)
            {
                _failure = failure;
                giveUp(failure);
                waiting.SetException(new StateLostException(failure.Message));
                if (_next is { } next && next != waiting) next.SetException(new StateLostException(failure.Message));
                break;
            }

            Durable = written;
            waiting.SetResult();
        }

        _isWriting = false;
    }
}
