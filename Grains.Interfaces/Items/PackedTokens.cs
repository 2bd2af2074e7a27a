using System.Buffers.Binary;
using System.Buffers.Text;

namespace Emu3.Grains.Interfaces;

/// <summary>
/// Token ids as text of the letters, digits, <c>-</c> and <c>_</c> of base64url: each id in as many bits as the spread between the smallest and the
/// largest takes. Equal ids give equal text, on every machine and in every version of a compression library.
/// </summary>
public static class PackedTokens
{
    private const byte Version = 1;
    private const int HeaderBytes = 10; // version, bits an id, smallest id, count
    private const int MaxEqual = 1 << 20; // ids without a bit each: more than any model has positions

    /// <param name="ids">None negative.</param>
    public static string Write(IReadOnlyList<int> ids)
    {
        var smallest = ids.Count == 0 ? 0 : ids.Min();
        ArgumentOutOfRangeException.ThrowIfNegative(smallest, nameof(ids));
        var bits = ids.Count == 0 ? 0 : 32 - int.LeadingZeroCount(ids.Max() - smallest);
        var bytes = new byte[HeaderBytes + (int)(((long)ids.Count * bits + 7) / 8)];
        bytes[0] = Version;
        bytes[1] = (byte)bits;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(2), smallest);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(6), ids.Count);
        long at = 0;
        foreach (var id in ids)
            for (var bit = 0; bit < bits; bit++, at++)
                if (((id - smallest) >> bit & 1) != 0) bytes[HeaderBytes + (at >> 3)] |= (byte)(1 << (int)(at & 7));
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>The ids of a text that <see cref="Write"/> made; null for any other.</summary>
    public static int[]? Read(string text)
    {
        if (!Base64Url.IsValid(text)) return null;
        var bytes = Base64Url.DecodeFromChars(text);
        if (bytes.Length < HeaderBytes || bytes[0] != Version || bytes[1] > 31) return null;
        var (bits, smallest, count) =
            (bytes[1], BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(2)), BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(6)));
        if (smallest < 0 || count < 0 || bytes.Length != HeaderBytes + (((long)count * bits + 7) / 8) || (bits == 0 && count > MaxEqual)) return null;
        var ids = new int[count];
        long at = 0;
        for (var i = 0; i < count; i++)
        {
            var above = 0;
            for (var bit = 0; bit < bits; bit++, at++) above |= (bytes[HeaderBytes + (at >> 3)] >> (int)(at & 7) & 1) << bit;
            ids[i] = unchecked(smallest + above);
        }

        return Array.Exists(ids, id => id < 0) ? null : ids;
    }
}
