namespace Emu3.Gateway.Access;

/// <summary>Streams that each key holds open at this gateway.</summary>
internal sealed class OpenStreams
{
    private readonly Dictionary<string, int> _open = [];
    private readonly Lock _lock = new();

    /// <summary>A place for one more, held until it is disposed of; null when the caller's key has as many as it may.</summary>
    public IDisposable? Enter(Caller caller)
    {
        if (caller.Key is not { Quotas.ConcurrentStreams: { } most } key) return Place.Free;
        lock (_lock)
        {
            var open = _open.GetValueOrDefault(key.Id);
            if (open >= most) return null;
            _open[key.Id] = open + 1;
        }
        return new Place(() => Leave(key.Id));
    }

    private void Leave(string key)
    {
        lock (_lock)
            if (--_open[key] == 0) _open.Remove(key);
    }

    private sealed class Place(Action leave) : IDisposable
    {
        private Action? _leave = leave;

        public static Place Free { get; } = new(() => { });

        public void Dispose() => Interlocked.Exchange(ref _leave, null)?.Invoke();
    }
}
