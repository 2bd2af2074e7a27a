using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>Root mean square norm: computed in float32, rounded to the model's dtype, then multiplied by the weight (reference: LlamaRMSNorm.forward).</summary>
internal static class RmsNorm
{
    /// <param name="x">[rows, hidden]</param>
    /// <param name="weight">[hidden]</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <returns>[rows, hidden]</returns>
    public static Tensor Apply(Tensor x, Tensor weight, double epsilon)
    {
        var wide = x.to(ScalarType.Float32);
        var scale = wide.mul(wide).mean([-1], keepdim: true).add_(epsilon).rsqrt_(); // [rows, 1]
        return wide.mul(scale).to(x.dtype).mul_(weight);
    }
}
