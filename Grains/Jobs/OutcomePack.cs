using System.Collections.Immutable;
using System.Text;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>
/// Outcomes as bytes. The serializer would spend two bytes more on every number of a column; what is written with every change is kept small: a done item
/// takes about 76 bytes, 64 of them hashes.
/// </summary>
internal static class OutcomePack
{
    private const int HashBytes = 32;
    private const byte CameToItsEnd = 0x10;
    private const byte IsReproducible = 0x20;
    private const byte HasDeviceTime = 0x40; // rows from before it was measured have none
    private const byte StatusBits = 0x0F;

    /// <summary>Packs some outcomes in their order.</summary>
    public static byte[] Pack(ReadOnlySpan<ShardOutcome> outcomes)
    {
        if (outcomes.IsEmpty) return [];
        var names = new NameTable();
        var body = new MemoryStream(outcomes.Length * 80);
        using var writer = new BinaryWriter(body, Encoding.UTF8);
        foreach (var outcome in outcomes)
        {
            writer.Write((byte)outcome.Item);
            if (outcome.Result is { } result) Write(writer, result, names);
            else writer.Write((byte)outcome.Status);
            if (outcome.Failure is not { } failure) continue;
            writer.Write((byte)failure.Code);
            writer.Write7BitEncodedInt(names.PlaceOf(failure.Message));
        }

        return names.WithTable(outcomes.Length, body);
    }

    public static ImmutableArray<ShardOutcome> Unpack(byte[] bytes)
    {
        if (bytes.Length == 0) return [];
        using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        var (count, names) = NameTable.Read(reader);
        var outcomes = ImmutableArray.CreateBuilder<ShardOutcome>(count);
        for (var place = 0; place < count; place++)
        {
            var item = reader.ReadByte();
            var flags = reader.ReadByte();
            outcomes.Add((ItemStatus)(flags & StatusBits) switch
            {
                ItemStatus.Done => new ShardOutcome(item, ReadResult(reader, flags, names), null),
                ItemStatus.Failed => new ShardOutcome(item, null, new ItemFailure((FailureCode)reader.ReadByte(), names[reader.Read7BitEncodedInt()])),
                _ => new ShardOutcome(item, null, null),
            });
        }

        return outcomes.MoveToImmutable();
    }

    private static void Write(BinaryWriter writer, ItemResult result, NameTable names)
    {
        writer.Write((byte)((byte)ItemStatus.Done | (result.CameToItsEnd ? CameToItsEnd : 0) | (result.IsReproducible ? IsReproducible : 0) | HasDeviceTime));
        writer.Write(result.FileHash, 0, HashBytes);
        writer.Write(result.TokensHash, 0, HashBytes);
        writer.Write7BitEncodedInt64(result.FileBytes);
        writer.Write7BitEncodedInt(result.PromptTokens);
        writer.Write7BitEncodedInt(result.PromptImageTokens);
        writer.Write7BitEncodedInt(result.GeneratedTokens);
        writer.Write7BitEncodedInt(result.ResumedTokens);
        writer.Write7BitEncodedInt(names.PlaceOf(result.NumericClass));
        writer.Write7BitEncodedInt(names.PlaceOf(result.MadeBy));
        writer.Write7BitEncodedInt64((long)result.DeviceTime.TotalMilliseconds);
    }

    private static ItemResult ReadResult(BinaryReader reader, byte flags, string[] names) => new()
    {
        CameToItsEnd = (flags & CameToItsEnd) != 0,
        IsReproducible = (flags & IsReproducible) != 0,
        FileHash = reader.ReadBytes(HashBytes),
        TokensHash = reader.ReadBytes(HashBytes),
        FileBytes = reader.Read7BitEncodedInt64(),
        PromptTokens = reader.Read7BitEncodedInt(),
        PromptImageTokens = reader.Read7BitEncodedInt(),
        GeneratedTokens = reader.Read7BitEncodedInt(),
        ResumedTokens = reader.Read7BitEncodedInt(),
        NumericClass = names[reader.Read7BitEncodedInt()],
        MadeBy = names[reader.Read7BitEncodedInt()],
        DeviceTime = (flags & HasDeviceTime) != 0 ? TimeSpan.FromMilliseconds(reader.Read7BitEncodedInt64()) : TimeSpan.Zero,
    };
}
