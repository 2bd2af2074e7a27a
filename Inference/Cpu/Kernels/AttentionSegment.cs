namespace Emu3.Inference.Cpu.Kernels;

/// <summary>
/// One query row's heads over one segment of keys. Keys come in blocks of <see cref="Block"/> counted from position 0, each with a softmax of its own
/// (maximum, sum, weighted values); blocks are merged from left to right within a segment, segments from left to right. So a row's bits depend on its
/// own prefix alone, and long contexts can be shared out between threads.
/// </summary>
internal unsafe struct AttentionSegment
{
    public const int Block = 256;
    public const int Length = 4 * Block;

    /// <summary>[heads, headDim], turned and scaled: those that share the keys.</summary>
    public float* Query;

    /// <summary>Of the segment's first position; [positions, headDim]</summary>
    public float* Keys;

    /// <summary>The same.</summary>
    public float* Values;

    /// <summary>Keys that the row sees in this segment, from 1 to <see cref="Length"/>.</summary>
    public int Count;

    public int Heads;

    /// <summary>A multiple of 16; what is behind the model's own are zeros.</summary>
    public int HeadDim;

    /// <summary>[heads, headDim + 2]: weighted values, maximum, sum. A head begins <see cref="PartStride"/> values behind the one before.</summary>
    public float* Part;

    public nint PartStride;

    /// <summary>Values of one head's part.</summary>
    public static int PartSize(int headDim) => headDim + 2;
}
