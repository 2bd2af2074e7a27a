using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Emu3.Benchmarks.RealWidths;

/// <summary>One tensor to be written.</summary>
/// <param name="Name">As the file spells it.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Spread">Numbers are uniform in ±this around <paramref name="Centre"/>.</param>
/// <param name="Centre">1 for the weights of norms.</param>
internal sealed record RandomTensor(string Name, long[] Shape, float Spread, float Centre = 0)
{
    public long Count => Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>Writes a safetensors file of random numbers, the same for the same seed.</summary>
internal static class SafetensorsWriter
{
    private const int BlockCount = 1 << 20; // numbers at once

    /// <param name="path">The file.</param>
    /// <param name="tensors">In their order.</param>
    /// <param name="isBFloat16">Else float32.</param>
    /// <param name="seed">Any but 0.</param>
    /// <param name="cancellationToken">Leaves the file as it is then.</param>
    public static void Write(string path, IReadOnlyList<RandomTensor> tensors, bool isBFloat16, ulong seed, CancellationToken cancellationToken = default)
    {
        using var file = File.Create(path);
        var size = isBFloat16 ? 2 : 4;
        var entries = new Dictionary<string, object>();
        var offset = 0L;
        foreach (var tensor in tensors)
        {
            entries.Add(tensor.Name, new { dtype = isBFloat16 ? "BF16" : "F32", shape = tensor.Shape, data_offsets = (long[])[offset, offset += tensor.Count * size] });
        }
        var header = JsonSerializer.SerializeToUtf8Bytes(entries);
        Array.Resize(ref header, (header.Length + 7) / 8 * 8);
        header.AsSpan().Replace((byte)0, (byte)' ');
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        file.Write(length);
        file.Write(header);
        var bits = new uint[BlockCount];
        foreach (var tensor in tensors)
        {
            for (var left = tensor.Count; left > 0; left -= BlockCount)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var block = bits.AsSpan(0, (int)Math.Min(left, BlockCount));
                Fill(block, tensor, ref seed);
                file.Write(isBFloat16 ? UpperHalves(block) : MemoryMarshal.AsBytes(block));
            }
        }
    }

    private static void Fill(Span<uint> block, RandomTensor tensor, ref ulong state)
    {
        foreach (ref var value in block)
        {
            state ^= state << 13; // xorshift
            state ^= state >> 7;
            state ^= state << 17;
            value = BitConverter.SingleToUInt32Bits(tensor.Centre + ((state >> 40) * (2f / (1 << 24)) - 1) * tensor.Spread);
        }
    }

    private static Span<byte> UpperHalves(Span<uint> block)
    {
        var halves = MemoryMarshal.Cast<uint, ushort>(block); // read ahead of what is written
        for (var i = 0; i < block.Length; i++)
            halves[i] = (ushort)(block[i] >> 16);
        return MemoryMarshal.AsBytes(halves[..block.Length]);
    }
}
