using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Emu3.Cli.Batch.Plan;

namespace Emu3.Cli.Verify;

/// <summary>Which pictures a seed chooses: for one folder and one seed always the same, and a larger sample has all of a smaller one.</summary>
internal static class VerifySample
{
    public static IReadOnlyList<MetadataRecord> Choose(IEnumerable<MetadataRecord> records, SampleSize size, ulong seed)
    {
        var pictures = records.Where(record => record.IsPicture).ToList();
        return [.. pictures.OrderBy(record => Rank(record.Key, seed)).ThenBy(record => record.FileName, StringComparer.Ordinal).Take(size.Of(pictures.Count))];
    }

    private static ulong Rank(OutputKey key, ulong seed) =>
        BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}/{key.Sample}/{key.Id}")));
}
