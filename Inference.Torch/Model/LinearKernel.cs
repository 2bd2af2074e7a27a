using TorchSharp;

namespace Emu3.Inference.Model;

/// <summary>y = x·Wᵀ (+ b) (+ onto). A parameter of the model, so that the self-test can be shown a kernel whose rounding depends on the row count.</summary>
/// <param name="x">[rows, in]</param>
/// <param name="weight">[out, in]</param>
/// <param name="bias">[out] or null</param>
/// <param name="onto">[rows, out], which the result is added to in place; or null</param>
/// <returns><paramref name="onto"/>, else a fresh tensor [rows, out].</returns>
public delegate torch.Tensor LinearKernel(torch.Tensor x, torch.Tensor weight, torch.Tensor? bias, torch.Tensor? onto = null);

/// <summary>The weights of a linear layer.</summary>
/// <param name="Weight">[out, in]</param>
/// <param name="Bias">[out] or null</param>
public sealed record LinearWeights(torch.Tensor Weight, torch.Tensor? Bias);
