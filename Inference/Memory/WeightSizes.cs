using Emu3.Inference.Weights;

namespace Emu3.Inference.Memory;

/// <summary>What a checkpoint's tensors take, by what becomes of them. From the headers of its files alone.</summary>
/// <param name="MappedBytes">All of them, where they lie in their files.</param>
/// <param name="PassBytes">Of the decoder's, those that a pass reads: all but the embedding, and of the head what <paramref name="HeadBytes"/> says.</param>
/// <param name="HeadBytes">Of that, the whole head.</param>
/// <param name="CopiedBytes">On the processor: float32 copies of vectors, of small kernels, and of matrices whose type the kernels can't read.</param>
/// <param name="DecoderCount">Numbers of the decoder.</param>
/// <param name="VisionCount">Numbers of the vision tokenizer.</param>
internal sealed record WeightSizes(long MappedBytes, long PassBytes, long HeadBytes, long CopiedBytes, long DecoderCount, long VisionCount)
{
    private const string Embedding = "model.embed_tokens.weight", Head = "lm_head.weight", Codebook = CheckpointLayout.VisionPrefix + "quantize.embedding.weight";
    private const int PageBytes = 4096; // what a buffer of its own takes at least

    /// <param name="tensors">By canonical name.</param>
    public static WeightSizes Of(IReadOnlyCollection<KeyValuePair<string, SafetensorsEntry>> tensors)
    {
        var decoder = tensors.Where(tensor => !IsVision(tensor.Key)).ToList();
        var head = decoder.FirstOrDefault(tensor => tensor.Key == Head) is { Value: { } own } ? own : decoder.FirstOrDefault(tensor => tensor.Key == Embedding).Value;
        var headBytes = head is null ? 0 : ReadBytes(head);
        return new(
            tensors.Sum(tensor => tensor.Value.ByteCount),
            headBytes + decoder.Where(tensor => tensor.Key is not (Head or Embedding) && IsMatrix(tensor.Value)).Sum(tensor => ReadBytes(tensor.Value)),
            headBytes,
            tensors.Sum(tensor => CopiedBytesOf(tensor.Key, tensor.Value)),
            decoder.Sum(tensor => Count(tensor.Value)),
            tensors.Where(tensor => IsVision(tensor.Key)).Sum(tensor => Count(tensor.Value)));
    }

    private static bool IsVision(string name) => name.StartsWith(CheckpointLayout.VisionPrefix, StringComparison.Ordinal);

    private static bool IsMatrix(SafetensorsEntry entry) => entry.Shape.Count > 1;

    /// <summary>A matrix of a type that kernels read in place takes no copy.</summary>
    private static bool IsReadInPlace(SafetensorsEntry entry) => entry.Dtype is ElementType.BF16 or ElementType.F16 or ElementType.F32;

    private static long ReadBytes(SafetensorsEntry entry) => IsReadInPlace(entry) ? entry.ByteCount : sizeof(float) * Count(entry);

    private static long CopiedBytesOf(string name, SafetensorsEntry entry) => name switch
    {
        Codebook => 2 * Floats(entry), // as it is, and by columns
        _ when !IsVision(name) => IsMatrix(entry) && IsReadInPlace(entry) ? 0 : Floats(entry),
        _ when CheckpointLayout.IsVisionProjection(name) || name.EndsWith(".nin_shortcut.weight", StringComparison.Ordinal) => IsReadInPlace(entry) ? 0 : Floats(entry),
        _ when entry.Shape is [_, _, 3, 3] => 0, // laid out when it is first used: see VisionTrace
        _ => Floats(entry),
    };

    private static long Floats(SafetensorsEntry entry) => sizeof(float) * Count(entry) + PageBytes;

    private static long Count(SafetensorsEntry entry) => entry.Shape.Aggregate(1L, (product, size) => product * size);
}
