namespace Emu3.Grains.Webhooks;

/// <summary>How many tries run at once on a silo, so that receivers that are slow keep neither it nor the notices to others waiting.</summary>
/// <param name="most">At once.</param>
/// <param name="mostOfHost">Of these, to one host.</param>
public sealed class DeliveryPlaces(int most = 256, int mostOfHost = 8)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _hosts = new(StringComparer.OrdinalIgnoreCase);
    private int _taken;

    /// <summary>A place, to be disposed of; null when there is none at the moment.</summary>
    public IDisposable? TryEnter(string host)
    {
        lock (_lock)
        {
            var ofHost = _hosts.GetValueOrDefault(host);
            if (_taken >= most || ofHost >= mostOfHost) return null;
            _hosts[host] = ofHost + 1;
            _taken++;
        }

        return new Place(this, host);
    }

    private void Leave(string host)
    {
        lock (_lock)
        {
            _taken--;
            if (--_hosts[host] == 0) _hosts.Remove(host);
        }
    }

    private sealed class Place(DeliveryPlaces places, string host) : IDisposable
    {
        private int _isLeft;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isLeft, 1) == 0) places.Leave(host);
        }
    }
}
