using Emu3.Inference.Model;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Emu3.Inference.Vision;

/// <summary>Doubles height and width by nearest neighbour, then a 3×3 convolution.</summary>
internal sealed class Upsample
{
    private readonly Tensor phaseKernel, phaseBias; // [4 · channels, channels, 2, 2], [4 · channels]
    private readonly long channels;

    public Upsample(VisionWeights weights, string name, long channels)
    {
        this.channels = channels;
        Convolution = Convolution2d.Load(weights, $"{name}.conv", channels, channels, size: 3);

        // Each of the four pixels that a cell becomes sees 2×2 cells only: where the 3×3 kernel meets a cell twice, its rows (columns) add up.
        // Phase 0: rows −1 | 0, 1 of the doubled picture lie in cells −1, 0. Phase 1: rows 0, 1 | 2 in cells 0, 1.
        using var scope = NewDisposeScope();
        var kernel = Convolution.Kernel;
        var phases = from byRow in Folded(kernel, 2) from both in Folded(byRow, 3) select both;
        phaseKernel = weights.KeepKernel(cat([.. phases])); // phases (0,0), (0,1), (1,0), (1,1)
        phaseBias = weights.Keep(Convolution.Bias.repeat(4));
    }

    public Convolution2d Convolution { get; }

    /// <summary>As the reference computes it.</summary>
    public Tensor Forward(Tensor x) // [frames, channels, height, width] → [frames, channels, 2 · height, 2 · width]
    {
        using var doubled = F.interpolate(x, size: [2 * x.size(2), 2 * x.size(3)], mode: InterpolationMode.Nearest);
        return Convolution.Forward(doubled);
    }

    /// <summary>The same for one frame with 4/9 of the multiplications: four 2×2 convolutions on the small picture, one for each pixel of a doubled cell.</summary>
    public Tensor ForwardByPhase(Tensor x) // [1, channels, height, width] → [1, channels, 2 · height, 2 · width]
    {
        using var scope = NewDisposeScope();
        var (height, width) = (x.size(2), x.size(3));
        var phases = F.conv2d(x, phaseKernel, phaseBias, padding: [1, 1]).permute(0, 2, 3, 1); // [1, height + 1, width + 1, 4 · channels]
        var result = empty([height, 2, width, 2, channels], x.dtype, x.device);
        for (var row = 0; row < 2; row++)
        {
            for (var column = 0; column < 2; column++)
            {
                var phase = phases.narrow(1, row, height).narrow(2, column, width).narrow(3, (2 * row + column) * channels, channels).squeeze(0);
                result.select(3, column).select(1, row).copy_(phase);
            }
        }
        return result.view(1, 2 * height, 2 * width, channels).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    private static Tensor[] Folded(Tensor kernel, int dim)
    {
        Tensor At(int index) => kernel.narrow(dim, index, 1);
        Tensor Sum(int first, int second) => At(first).add(At(second), Numbers.One);
        return [cat([At(0), Sum(1, 2)], dim), cat([Sum(0, 1), At(2)], dim)];
    }
}
