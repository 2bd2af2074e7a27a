using System.Text;

namespace Emu3.Grains.Jobs;

/// <summary>Text that comes again and again in packed bytes, once and then by its number: count of what follows, names, then the rest.</summary>
internal sealed class NameTable
{
    private readonly Dictionary<string, int> _places = [];

    /// <summary>The number of a name.</summary>
    public int PlaceOf(string name)
    {
        if (!_places.TryGetValue(name, out var place)) _places[name] = place = _places.Count;
        return place;
    }

    /// <summary>The whole of it.</summary>
    public byte[] WithTable(int count, MemoryStream body)
    {
        using var all = new MemoryStream((int)body.Length + 256);
        using var writer = new BinaryWriter(all, Encoding.UTF8);
        writer.Write7BitEncodedInt(count);
        writer.Write7BitEncodedInt(_places.Count);
        foreach (var name in _places.Keys) writer.Write(name);
        writer.Write(body.GetBuffer(), 0, (int)body.Length);
        return all.ToArray();
    }

    /// <summary>What stands before the rest.</summary>
    public static (int Count, string[] Names) Read(BinaryReader reader)
    {
        var count = reader.Read7BitEncodedInt();
        var names = new string[reader.Read7BitEncodedInt()];
        for (var place = 0; place < names.Length; place++) names[place] = reader.ReadString();
        return (count, names);
    }
}
