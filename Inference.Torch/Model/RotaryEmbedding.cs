using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>
/// Rotary position embedding (Su et al., arXiv 2104.09864), rotate-half layout: the first half of a head turns with the second. Tables are
/// computed once, value by value, so that a position's bits do not depend on how many positions there are.
/// </summary>
internal sealed class RotaryEmbedding : IDisposable
{
    private readonly int half;
    private readonly Tensor cosine; // [positions, headDim]
    private readonly Tensor sine; // [positions, headDim], negative in the first half

    public RotaryEmbedding(int positions, int headDim, double theta, ScalarType dtype, Device device)
    {
        half = headDim / 2;
        var (cos, sin) = (new float[positions * headDim], new float[positions * headDim]);
        for (var i = 0; i < half; i++)
        {
            var inverse = 1f / MathF.Pow((float)theta, 2f * i / headDim);
            for (var position = 0; position < positions; position++)
            {
                var angle = (double)(position * inverse); // the product is rounded to float32, as the reference's
                var first = position * headDim + i;
                cos[first] = cos[first + half] = (float)Math.Cos(angle);
                sin[first + half] = (float)Math.Sin(angle);
                sin[first] = -sin[first + half];
            }
        }
        cosine = tensor(cos, [positions, headDim], dtype: dtype, device: device).DetachFromDisposeScope();
        sine = tensor(sin, [positions, headDim], dtype: dtype, device: device).DetachFromDisposeScope();
    }

    /// <summary>Cosines and sines of some positions.</summary>
    /// <param name="positions">[rows]</param>
    /// <returns>Twice [rows, 1, headDim]</returns>
    public (Tensor Cosine, Tensor Sine) At(Tensor positions) =>
        (cosine.index_select(0, positions).unsqueeze(1), sine.index_select(0, positions).unsqueeze(1));

    /// <summary>Turns heads in place.</summary>
    /// <param name="heads">[rows, heads, headDim]</param>
    /// <param name="at">Of the rows' positions.</param>
    public void Turn(Tensor heads, (Tensor Cosine, Tensor Sine) at)
    {
        var swapped = heads.roll(half, -1);
        heads.mul_(at.Cosine).addcmul_(swapped, at.Sine, Numbers.One);
    }

    public void Dispose()
    {
        cosine.Dispose();
        sine.Dispose();
    }
}
