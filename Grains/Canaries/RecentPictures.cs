using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Canaries;

/// <summary>The pictures of a <see cref="CanaryBoard"/>, and which device was given which. No clock, no I/O.</summary>
public sealed class RecentPictures
{
    /// <summary>So many are kept.</summary>
    public const int Most = 64;

    private readonly Queue<Entry> _entries = new();

    public void Post(CanaryPicture picture)
    {
        if (_entries.Any(entry => entry.Picture.Item == picture.Item)) return;
        _entries.Enqueue(new(picture, []));
        if (_entries.Count > Most) _entries.Dequeue();
    }

    /// <summary>The newest of another device, else of its own, that it was not given before.</summary>
    public CanaryPicture? Draw(string device)
    {
        var open = _entries.Where(entry => !entry.GivenTo.Contains(device)).ToList();
        var chosen = open.FindLast(entry => entry.Picture.Device != device) ?? open.LastOrDefault();
        chosen?.GivenTo.Add(device);
        return chosen?.Picture;
    }

    private sealed record Entry(CanaryPicture Picture, HashSet<string> GivenTo);
}
