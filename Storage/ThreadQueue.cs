using System.Diagnostics.CodeAnalysis;

namespace Emu3.Storage;

/// <summary>
/// What threads that do nothing else take their work from, first come first served. A thread that finds nothing sleeps at once: those of a
/// <see cref="System.Collections.Concurrent.BlockingCollection{T}"/> spin before, and sixteen that wait for short work keep a processor busy with it.
/// </summary>
internal sealed class ThreadQueue<T>
{
    private readonly Queue<T> _items = new();
    private readonly object _lock = new(); // threads sleep on it, which they can't on a Lock
    private bool _isComplete;

    /// <summary>False after <see cref="Complete"/>: nobody would take it.</summary>
    public bool TryAdd(T item)
    {
        lock (_lock)
        {
            if (_isComplete) return false;
            _items.Enqueue(item);
            Monitor.Pulse(_lock);
            return true;
        }
    }

    /// <summary>Nothing is added any more; what is there is still to be taken.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            _isComplete = true;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>The next one, as soon as there is one; false when none will come.</summary>
    public bool TakeOrWait([MaybeNullWhen(false)] out T item)
    {
        lock (_lock)
        {
            while (_items.Count == 0 && !_isComplete) Monitor.Wait(_lock);
            return _items.TryDequeue(out item);
        }
    }

    /// <summary>The next one, if there is one now.</summary>
    public bool TryTake([MaybeNullWhen(false)] out T item)
    {
        lock (_lock) return _items.TryDequeue(out item);
    }
}
