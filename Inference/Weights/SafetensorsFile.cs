using System.IO.MemoryMappedFiles;

namespace Emu3.Inference.Weights;

/// <summary>
/// One <c>.safetensors</c> file, mapped into memory. The header is checked before anything is read: 8 bytes of length, that much JSON, and tensors
/// that fill the rest of the file without a hole, an overlap or a remainder (github.com/huggingface/safetensors, section Format).
/// </summary>
/// <remarks>Reading is safe from any thread. Spans and pointers are valid until <see cref="Dispose"/>, and point to read-only pages.</remarks>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly MemoryMappedFile map;
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* start;

    private SafetensorsFile(string path, SafetensorsHeader header)
    {
        Path = path;
        Header = header;
        map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, capacity: 0, MemoryMappedFileAccess.Read);
        view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        start += view.PointerOffset;
    }

    public string Path { get; }

    public SafetensorsHeader Header { get; }

    /// <summary>What the file holds, by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => Header.Entries;

    /// <exception cref="CheckpointException">The file is missing or its header breaks a rule of the format.</exception>
    public static SafetensorsFile Open(string path)
    {
        try
        {
            return new SafetensorsFile(path, SafetensorsHeader.Read(path));
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path} can't be read: {cause.Message}", cause);
        }
    }

    /// <summary>The bytes of one tensor, row by row, little-endian. For tensors under 2 GiB.</summary>
    public ReadOnlySpan<byte> Bytes(SafetensorsEntry entry) => new(Address(entry), checked((int)entry.ByteCount));

    /// <summary>Where one tensor's bytes start.</summary>
    internal byte* Address(SafetensorsEntry entry) => start + Header.DataStart + entry.Offset;

    public void Dispose()
    {
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        map.Dispose();
    }
}

/// <summary>One tensor of a file.</summary>
/// <param name="Name">As the file spells it.</param>
/// <param name="Dtype">Its element type.</param>
/// <param name="Shape">Its dimensions; none for a scalar.</param>
/// <param name="Offset">Of its first byte, from the start of the data.</param>
/// <param name="ByteCount">Elements × size of one.</param>
public sealed record SafetensorsEntry(string Name, ElementType Dtype, IReadOnlyList<long> Shape, long Offset, long ByteCount);
