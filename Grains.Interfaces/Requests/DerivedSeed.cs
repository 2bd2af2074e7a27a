using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>Seeds for items that bring none.</summary>
public static class DerivedSeed
{
    /// <summary>
    /// The first 8 bytes, as a little-endian number, of SHA-256 over the job's seed (8 bytes), the sample's number (4 bytes, both little-endian) and the
    /// item's id (UTF-8). The item's place in the job takes no part: lines may be reordered, added and removed without changing another line's picture.
    /// </summary>
    public static ulong Of(ulong jobSeed, string id, uint sample)
    {
        var input = new byte[12 + Encoding.UTF8.GetByteCount(id)];
        BinaryPrimitives.WriteUInt64LittleEndian(input, jobSeed);
        BinaryPrimitives.WriteUInt32LittleEndian(input.AsSpan(8), sample);
        Encoding.UTF8.GetBytes(id, input.AsSpan(12));
        return BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(input));
    }
}
