namespace Emu3.Inference.Memory;

/// <summary>How long memory is taken.</summary>
public enum MemoryKind
{
    /// <summary>Pages of the mapped weight files: the system can take them back, and reads them again when they are used.</summary>
    Mapped,

    /// <summary>Taken at load or at first use, and kept until the engine ends.</summary>
    Held,

    /// <summary>Taken for one picture, and given back behind it. Pictures are decoded and encoded one at a time.</summary>
    Picture,
}

/// <summary>A part of what a load takes.</summary>
/// <param name="Name">What it is, in a few words.</param>
/// <param name="Bytes">At most.</param>
/// <param name="Kind">How long.</param>
/// <param name="Note">Where the number comes from.</param>
public sealed record MemoryPart(string Name, long Bytes, MemoryKind Kind, string Note);

/// <summary>What loading a checkpoint on a device will take, before it starts.</summary>
public sealed record MemoryForecast
{
    private const int ShortestSlot = 256; // positions: a short prompt and a small picture

    /// <summary><c>cpu</c> or <c>cuda:N</c>: whose memory this is about.</summary>
    public required string Device { get; init; }

    public required int SlotCount { get; init; }

    /// <summary>Of a slot.</summary>
    public required int Positions { get; init; }

    /// <summary>Of one slot.</summary>
    public required long SlotBytes { get; init; }

    public required IReadOnlyList<MemoryPart> Parts { get; init; }

    /// <summary>Weights that one pass for a picture's token reads, whatever its rows. Reading them bounds the rate.</summary>
    public required long PassBytes { get; init; }

    /// <summary>Of the mapped weights, those that passes keep coming back to: 0 where the device has a copy.</summary>
    public required long RevisitedBytes { get; init; }

    /// <summary>Of a picture's memory, what stays for the next one.</summary>
    public long KeptPictureBytes { get; init; }

    /// <summary>Kept until the engine ends.</summary>
    public long HeldBytes => Sum(MemoryKind.Held);

    /// <summary>All mapped files.</summary>
    public long MappedBytes => Sum(MemoryKind.Mapped);

    /// <summary>For the largest picture.</summary>
    public long PictureBytes => Parts.Where(part => part.Kind == MemoryKind.Picture).Select(part => part.Bytes).DefaultIfEmpty().Max();

    /// <summary>
    /// What there must be: what is held, and beside it either the weights of a pass or a picture. Both at once would be better: without room for both, a picture
    /// pushes weights out of memory, and the next passes read them from the disk again.
    /// </summary>
    public long NeededBytes => HeldBytes + Math.Max(RevisitedBytes + KeptPictureBytes, PictureBytes);

    /// <summary>What there should be, so that nothing is read from the disk twice.</summary>
    public long ComfortableBytes => HeldBytes + PictureBytes + MappedBytes;

    /// <summary>Why it can't fit, and what to do; null when it fits.</summary>
    /// <param name="availableBytes">That the engine may take.</param>
    /// <param name="model">Name of the checkpoint.</param>
    public string? Shortage(long availableBytes, string model)
    {
        if (NeededBytes <= availableBytes)
            return null;
        var parts = string.Join(", ", Parts.Where(part => part.Kind == MemoryKind.Held && part.Bytes >= NeededBytes / 100).Select(part => $"{part.Name} {Text(part.Bytes)}"));
        var beside = PictureBytes > RevisitedBytes + KeptPictureBytes ? $"a picture {Text(PictureBytes)}" : $"the weights that each pass reads {Text(RevisitedBytes)}";
        return $"{model} does not fit on {Device}: it needs {Text(NeededBytes)} of memory with {SlotCount} slots of {Positions} positions, and {Text(availableBytes)} are available. "
            + $"It takes: {(parts == "" ? "" : parts + ", ")}{beside}. {Remedy(availableBytes)}";
    }

    /// <summary>Bytes in words, in powers of 1024.</summary>
    public static string Text(long bytes) => bytes >= 10L << 30 ? FormattableString.Invariant($"{bytes / 1073741824.0:0.0} GiB")
        : bytes >= 1L << 30 ? FormattableString.Invariant($"{bytes / 1073741824.0:0.00} GiB")
        : FormattableString.Invariant($"{bytes / 1048576.0:0} MiB");

    private string Remedy(long availableBytes)
    {
        var forSlots = availableBytes - (NeededBytes - SlotCount * SlotBytes);
        if (SlotBytes > 0 && forSlots >= SlotBytes)
            return $"Engine:SlotCount (--slots) of at most {forSlots / SlotBytes} fits.";
        var positions = SlotBytes == 0 ? 0 : forSlots / (SlotBytes / Positions);
        return positions >= ShortestSlot
            ? $"One slot (Engine:SlotCount, --slots) of at most {positions} positions (Engine:SlotPositions, --positions) fits."
            : $"No slot fits beside the rest: {Text(NeededBytes - SlotCount * SlotBytes + ShortestSlot * (SlotBytes / Positions) - availableBytes)} more memory is the least that is missing"
              + (PictureBytes > RevisitedBytes + KeptPictureBytes ? ", or fewer positions (Engine:SlotPositions, --positions), which make the largest picture smaller." : ".");
    }

    private long Sum(MemoryKind kind) => Parts.Where(part => part.Kind == kind).Sum(part => part.Bytes);
}
