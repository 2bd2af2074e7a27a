using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>Root mean square norm: computed in float32, rounded to the model's dtype, then multiplied by the weight (reference: LlamaRMSNorm.forward).</summary>
internal static class RmsNorm
{
    /// <param name="x">[rows, hidden]</param>
    /// <param name="weight">[hidden]</param>
    /// <param name="epsilon">Added to the mean square; float32 [1]</param>
    /// <returns>[rows, hidden]</returns>
    public static Tensor Apply(Tensor x, Tensor weight, Tensor epsilon)
    {
        var wide = x.to(ScalarType.Float32);
        var norm = linalg.vector_norm(wide, 2, [-1], keepdim: true); // [rows, 1]
        var scale = epsilon.addcmul(norm, norm, 1.0 / x.size(1)).rsqrt_();
        return wide.mul(scale).to(x.dtype).mul_(weight);
    }
}
