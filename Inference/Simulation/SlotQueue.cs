namespace Emu3.Inference.Simulation;

/// <summary>Slots given out first come, first served, all that a request needs at once: nobody overtakes.</summary>
/// <param name="count">Slots in all.</param>
internal sealed class SlotQueue(int count)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiting = [];
    private int _free = count;
    private int _admittedCount;

    public int Count { get; } = count;
    public int FreeCount => Volatile.Read(ref _free);

    /// <summary>Requests with slots.</summary>
    public int AdmittedCount => Volatile.Read(ref _admittedCount);

    /// <summary>Requests without.</summary>
    public int WaitingCount
    {
        get
        {
            lock (_lock) return _waiting.Count;
        }
    }

    /// <summary>Completes with the slots taken.</summary>
    /// <param name="slots">No more than there are in all.</param>
    /// <param name="cancellationToken">Leaves the queue.</param>
    public async Task TakeAsync(int slots, CancellationToken cancellationToken)
    {
        LinkedListNode<Waiter> place;
        lock (_lock)
        {
            place = _waiting.AddLast(new Waiter(slots, new(TaskCreationOptions.RunContinuationsAsynchronously)));
            Admit();
        }

        await using var leaving = cancellationToken.UnsafeRegister(_ => Leave(place, cancellationToken), null);
        await place.Value.Admitted.Task;
    }

    /// <summary>A request gives back all that it took.</summary>
    public void Return(int slots)
    {
        lock (_lock)
        {
            _free += slots;
            _admittedCount--;
            Admit();
        }
    }

    private void Leave(LinkedListNode<Waiter> place, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (place.List is null) return; // it has its slots
            _waiting.Remove(place);
            place.Value.Admitted.SetCanceled(cancellationToken);
            Admit();
        }
    }

    private void Admit()
    {
        while (_waiting.First?.Value is { } next && next.Slots <= _free)
        {
            _waiting.RemoveFirst();
            _free -= next.Slots;
            _admittedCount++;
            next.Admitted.SetResult();
        }
    }

    private sealed record Waiter(int Slots, TaskCompletionSource Admitted);
}
