using System.Buffers.Binary;

namespace Emu3.Inference.Vision.Containers;

/// <summary>
/// The tag Orientation (274) of EXIF data, which is a small TIFF file (CIPA DC-008 §4.5). Decided as Pillow decides: any numeric type counts, of a tag that
/// stands there twice the later one, and an entry whose value lies outside the data ends the reading. Data that is no TIFF at all, which Pillow refuses together with the picture,
/// counts as none.
/// </summary>
static class ExifOrientation
{
    private const ushort Tag = 274;

    private const int EntryLength = 12;

    private static ReadOnlySpan<byte> Prefix => "Exif\0\0"u8;

    /// <summary>The tag's value; null without the tag, 0 when its value is no whole number.</summary>
    public static int? Read(ReadOnlySpan<byte> exif)
    {
        while (exif.StartsWith(Prefix))
            exif = exif[Prefix.Length..];
        if (exif.Length < 8 || !IsTiff(exif, out var isBigEndian))
            return null;

        int? found = null;
        long at = U32(exif[4..], isBigEndian);
        if (at + 2 > exif.Length)
            return null;
        var count = U16(exif[(int)at..], isBigEndian);
        at += 2;
        for (var i = 0; i < count && at + EntryLength <= exif.Length; i++, at += EntryLength)
        {
            var entry = exif.Slice((int)at, EntryLength);
            var type = U16(entry[2..], isBigEndian);
            var size = (long)U32(entry[4..], isBigEndian) * SizeOf(type);
            if (size == 0)
                continue; // a type that nobody knows, or no value
            var value = entry[8..];
            if (size > value.Length)
            {
                var start = (long)U32(value, isBigEndian);
                if (start + size > exif.Length)
                    break;
                value = exif.Slice((int)start, (int)size);
            }
            if (U16(entry, isBigEndian) == Tag)
                found = Value(value, type, isBigEndian);
        }
        return found;
    }

    private static bool IsTiff(ReadOnlySpan<byte> exif, out bool isBigEndian)
    {
        isBigEndian = exif.StartsWith("MM"u8);
        return (isBigEndian || exif.StartsWith("II"u8)) && exif[2..4] is [0, 42] or [42, 0];
    }

    /// <summary>Bytes of one value; 0 for types that TIFF does not have.</summary>
    private static int SizeOf(int type) => type switch
    {
        1 or 2 or 6 or 7 => 1,
        3 or 8 => 2,
        4 or 9 or 11 or 13 => 4,
        5 or 10 or 12 or 16 => 8,
        _ => 0,
    };

    /// <summary>The first value as a whole number, else 0. Bytes and text are no numbers.</summary>
    private static int Value(ReadOnlySpan<byte> value, int type, bool isBigEndian) => type switch
    {
        3 => U16(value, isBigEndian),
        8 => (short)U16(value, isBigEndian),
        4 or 13 => Whole(U32(value, isBigEndian)),
        9 => (int)U32(value, isBigEndian),
        6 => (sbyte)value[0],
        5 => Quotient(U32(value, isBigEndian), U32(value[4..], isBigEndian)),
        10 => Quotient((int)U32(value, isBigEndian), (int)U32(value[4..], isBigEndian)),
        11 => Whole(BitConverter.UInt32BitsToSingle(U32(value, isBigEndian))),
        12 => Whole(BitConverter.UInt64BitsToDouble(U64(value, isBigEndian))),
        16 => Whole(U64(value, isBigEndian)),
        _ => 0,
    };

    private static int Quotient(long numerator, long denominator) => denominator != 0 && numerator % denominator == 0 ? Whole(numerator / denominator) : 0;

    private static int Whole(double value) => value == Math.Floor(value) && Math.Abs(value) <= int.MaxValue ? (int)value : 0;

    private static ushort U16(ReadOnlySpan<byte> bytes, bool isBigEndian) =>
        isBigEndian ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    private static uint U32(ReadOnlySpan<byte> bytes, bool isBigEndian) =>
        isBigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    private static ulong U64(ReadOnlySpan<byte> bytes, bool isBigEndian) =>
        isBigEndian ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : BinaryPrimitives.ReadUInt64LittleEndian(bytes);
}
