using Emu3.Inference.Model;
using static TorchSharp.torch;

namespace Emu3.Inference.Vision;

/// <summary>The vectors that stand behind visual tokens.</summary>
internal sealed class Codebook
{
    /// <summary>Cells whose distances to all vectors are held at once: 2,048 × 32,768 floats are 256 MB.</summary>
    private const int CellsAtOnce = 2048;

    private readonly Tensor squares; // [codebookSize], Σe²

    public Codebook(VisionWeights weights, long size, long dimension)
    {
        Vectors = weights.Load("quantize.embedding.weight", size, dimension);
        using var scope = NewDisposeScope();
        squares = weights.Keep(Vectors.mul(Vectors).sum(dim: 1));
    }

    public Tensor Vectors { get; } // [codebookSize, embedDim]

    /// <summary>The nearest vector of each cell, the first of equals: d = Σx² + Σe² − 2·x·e, as the reference orders it.</summary>
    public int[] Nearest(Tensor cells) // [cells, embedDim]
    {
        var codes = new int[cells.size(0)];
        for (var from = 0; from < codes.Length; from += CellsAtOnce)
        {
            using var scope = NewDisposeScope();
            var chunk = cells.narrow(0, from, Math.Min(CellsAtOnce, codes.Length - from));
            var products = chunk.mm(Vectors.t()).mul_(Numbers.Two);
            var distances = chunk.mul(chunk).sum(1, keepdim: true).add(squares, Numbers.One).sub_(products);
            var nearest = distances.argmin(1).to(ScalarType.Int32).cpu();
            nearest.data<int>().CopyTo(codes, from);
        }
        return codes;
    }
}
