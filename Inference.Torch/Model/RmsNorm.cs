using TorchSharp;
using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>Root mean square norm: computed in float32, rounded to the model's dtype, then multiplied by the weight (reference: LlamaRMSNorm.forward).</summary>
internal static class RmsNorm
{
    /// <param name="x">[rows, hidden]</param>
    /// <param name="weight">[hidden]</param>
    /// <param name="epsilon">Added to the mean square; float32 [1]</param>
    /// <param name="hiddenInverse">1 ÷ hidden</param>
    /// <returns>[rows, hidden]</returns>
    public static Tensor Apply(Tensor x, Tensor weight, Tensor epsilon, Scalar hiddenInverse)
    {
        var wide = x.to(ScalarType.Float32);
        var norm = linalg.norm(wide, 2.0, [-1], keepdim: true); // [rows, 1]
        var scale = epsilon.addcmul(norm, norm, hiddenInverse).rsqrt_();
        return wide.mul(scale).to(x.dtype).mul_(weight);
    }
}
