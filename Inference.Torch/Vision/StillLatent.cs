using Emu3.Inference.Model;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Emu3.Inference.Vision;

/// <summary>
/// The temporal part of the decoder for a still, frame 0 only. A still is one latent frame, and frame 0 of anything causal sees itself and the zeros before it:
/// of each kernel only the last slice in time meets anything but zeros. So the whole stack is a two-dimensional one on a single frame, exactly.
/// </summary>
internal sealed class StillLatent
{
    private sealed record Block(BatchNorm Norm1, Convolution2d Conv1, BatchNorm Norm2, Convolution2d Conv2);

    private readonly Tensor starts; // [codebookSize, 2, latentChannels]: post_quant_conv of each vector, and the vector
    private readonly Block[] blocks;
    private readonly Convolution2d[] convs;

    public StillLatent(VisionWeights weights, VisionDecoder decoder, Codebook codebook)
    {
        using var scope = NewDisposeScope();
        var postQuant = F.linear(codebook.Vectors, LastSlice(decoder.PostQuantConv).squeeze(3).squeeze(2), decoder.PostQuantConv.Bias);
        starts = weights.Keep(stack([postQuant, codebook.Vectors], 1));
        blocks = [.. decoder.TimeBlocks.Select(block => new Block(block.Norm1, Still(block.Conv1), block.Norm2, Still(block.Conv2)))];
        convs = [.. decoder.TimeConvs.Select(Still)];

        Convolution2d Still(CausalConv3d conv) => new(weights.KeepKernel(LastSlice(conv).clone()), conv.Bias, stride: 1, padding: conv.Kernel.size(3) / 2);
    }

    /// <summary>What the picture starts from, and what conditions its norms.</summary>
    /// <param name="codes">Row by row.</param>
    /// <param name="height">Rows of cells.</param>
    /// <param name="width">Cells in a row.</param>
    public (Tensor Picture, Tensor Cells) Forward(ReadOnlySpan<int> codes, int height, int width) // [1, latentChannels, h, w], [h, w, latentChannels]
    {
        using var scope = NewDisposeScope();
        var indices = tensor(codes.ToArray(), ScalarType.Int64, starts.device);
        var x = starts.index_select(0, indices).view(height, width, 2, -1).permute(2, 3, 0, 1); // [2, latentChannels, h, w]
        foreach (var block in blocks)
        {
            var middle = block.Conv1.Forward(F.silu(block.Norm1.Forward(x), inplace: true));
            x = block.Conv2.Forward(F.silu(block.Norm2.Forward(middle), inplace: true)).add_(x, Numbers.One);
        }
        foreach (var conv in convs)
            x = F.silu(conv.Forward(x), inplace: true);
        var (picture, conditioning) = (x.narrow(0, 0, 1), x[1].permute(1, 2, 0));
        return (picture.clone().MoveToOuterDisposeScope(), conditioning.contiguous().MoveToOuterDisposeScope());
    }

    private static Tensor LastSlice(CausalConv3d conv) => conv.Kernel.select(2, conv.Kernel.size(2) - 1); // [out, in, size, size]
}
