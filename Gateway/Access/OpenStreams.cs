namespace Emu3.Gateway.Access;

/// <summary>Streams that each key holds open at this gateway. A place is taken before anything is made for the request, so a refusal leaves nothing behind.</summary>
internal sealed class OpenStreams
{
    private readonly Dictionary<string, int> _open = [];
    private readonly Lock _lock = new();

    /// <summary>A place for the stream of this request, held until the request ends; null when the caller's key has as many as it may.</summary>
    public StreamPlace? Enter(HttpContext http)
    {
        if (http.RequestServices.GetRequiredService<Caller>().Key is not { Quotas.ConcurrentStreams: { } most } key) return new(() => { });
        lock (_lock)
        {
            var open = _open.GetValueOrDefault(key.Id);
            if (open >= most) return null;
            _open[key.Id] = open + 1;
        }

        var place = new StreamPlace(() => Leave(key.Id));
        http.Response.RegisterForDispose(place);
        return place;
    }

    private void Leave(string key)
    {
        lock (_lock)
            if (--_open[key] == 0) _open.Remove(key);
    }
}

/// <summary>One stream's place among those that its key may hold.</summary>
/// <param name="leave">Called once, when it is given up.</param>
internal sealed class StreamPlace(Action leave) : IDisposable
{
    private Action? _leave = leave;

    public void Dispose() => Interlocked.Exchange(ref _leave, null)?.Invoke();
}
