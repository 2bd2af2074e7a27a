using System.Collections.Immutable;
using System.Text;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>Where items stand, as bytes: one byte for an item that waits or ended at its first lease, one or two more where there is more to tell.</summary>
internal static class ItemPack
{
    private const byte StatusBits = 0x0F;
    private const byte HasOneLease = 0x10;
    private const byte HasMoreLeases = 0x20;
    private const byte IsSuspect = 0x40;

    /// <summary>Packs items in their order.</summary>
    public static byte[] Pack(ImmutableArray<ItemState> items)
    {
        if (items.IsEmpty) return [];
        var names = new NameTable();
        var body = new MemoryStream(items.Length * 2);
        using var writer = new BinaryWriter(body, Encoding.UTF8);
        foreach (var item in items)
        {
            var leases = item.Epoch switch { 0 => 0, 1 => HasOneLease, _ => HasMoreLeases };
            writer.Write((byte)((int)item.Status | leases | (item.Suspicion > 0 ? IsSuspect : 0)));
            if (item.Epoch > 1) writer.Write7BitEncodedInt(item.Epoch);
            if (item.Suspicion > 0) writer.Write7BitEncodedInt(item.Suspicion);
            if (item.Holder is { } holder) writer.Write7BitEncodedInt(names.PlaceOf(holder));
        }

        return names.WithTable(items.Length, body);
    }

    public static ImmutableArray<ItemState> Unpack(byte[] bytes)
    {
        if (bytes.Length == 0) return [];
        using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        var (count, names) = NameTable.Read(reader);
        var items = ImmutableArray.CreateBuilder<ItemState>(count);
        for (var place = 0; place < count; place++)
        {
            var flags = reader.ReadByte();
            var status = (ItemStatus)(flags & StatusBits);
            var epoch = (flags & HasMoreLeases) != 0 ? reader.Read7BitEncodedInt() : (flags & HasOneLease) != 0 ? 1 : 0;
            var suspicion = (flags & IsSuspect) != 0 ? reader.Read7BitEncodedInt() : 0;
            items.Add(new(status, epoch, status == ItemStatus.Running ? names[reader.Read7BitEncodedInt()] : null, suspicion));
        }

        return items.MoveToImmutable();
    }
}
