namespace Emu3.Inference.Cpu.Vision;

/// <summary>
/// A convolution over time and space that sees no later frame: two frames of zeros stand before the first, none behind the last. Its pictures are small
/// (a few numbers a cell), so it is a plain loop, in one order.
/// </summary>
internal sealed unsafe class CpuCausalConvolution : IDisposable
{
    private const int FramesBefore = 2;

    private readonly NativeFloats kernel; // [frames, size, size, in, out]
    private readonly NativeFloats bias;
    private readonly int inChannels, outChannels, frames, size, stride;

    /// <param name="reader">Where from.</param>
    /// <param name="name">Without <c>.conv.weight</c> and <c>.conv.bias</c>.</param>
    /// <param name="inChannels">Of the input.</param>
    /// <param name="outChannels">Of the result.</param>
    /// <param name="frames">Length of the kernel in time.</param>
    /// <param name="size">Side of the kernel in space, odd.</param>
    /// <param name="stride">2 halves the frames.</param>
    public CpuCausalConvolution(CpuWeightReader reader, string name, int inChannels, int outChannels, int frames, int size, int stride = 1)
    {
        (this.inChannels, this.outChannels, this.frames, this.size, this.stride) = (inChannels, outChannels, frames, size, stride);
        var weights = reader.Tensor($"{name}.conv.weight", outChannels, inChannels, frames, size, size);
        bias = reader.Vector($"{name}.conv.bias", outChannels);
        kernel = new NativeFloats(weights.Count);
        var places = frames * size * size;
        for (var output = 0; output < outChannels; output++)
            for (var input = 0; input < inChannels; input++)
                for (var place = 0; place < places; place++)
                    kernel.Address[((nint)place * inChannels + input) * outChannels + output] = weights[((long)output * inChannels + input) * places + place];
    }

    /// <summary>The frames of the result: as many as the input's, or half.</summary>
    public Plane[] Forward(VisionComputer computer, Plane[] x) => [.. Enumerable.Range(0, x.Length / stride).Select(frame => Frame(computer, x, frame * stride))];

    public void Dispose() => kernel.Dispose();

    private Plane Frame(VisionComputer computer, Plane[] x, int at)
    {
        var result = computer.Planes.Rent(x[0].Height, x[0].Width, outChannels);
        computer.Threads.For(result.Height, (long)result.Width * outChannels * inChannels * frames * size * size, (from, to, _) =>
        {
            for (var row = from; row < to; row++)
                for (var column = 0; column < result.Width; column++)
                    Cell(x, at, row, column, result.Row(row) + (nint)column * outChannels);
        });
        return result;
    }

    private void Cell(Plane[] x, int at, int row, int column, float* to)
    {
        bias.Span.CopyTo(new Span<float>(to, outChannels));
        for (var frame = Math.Max(0, FramesBefore - at); frame < frames; frame++)
        {
            var picture = x[at + frame - FramesBefore];
            for (var dy = 0; dy < size; dy++)
                for (var dx = 0; dx < size; dx++)
                {
                    var (y, z) = (row + dy - size / 2, column + dx - size / 2);
                    if ((uint)y >= (uint)picture.Height || (uint)z >= (uint)picture.Width)
                        continue;
                    var source = picture.Row(y) + (nint)z * inChannels;
                    var weights = kernel.Address + (nint)((frame * size + dy) * size + dx) * inChannels * outChannels;
                    for (var input = 0; input < inChannels; input++)
                        for (var output = 0; output < outChannels; output++)
                            to[output] += source[input] * weights[input * outChannels + output];
                }
        }
    }
}
