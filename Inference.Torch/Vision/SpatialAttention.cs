using Emu3.Inference.Model;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Emu3.Inference.Vision;

/// <summary>Every cell of a picture attends to every other: norm, attention, projection, plus the input.</summary>
internal sealed record SpatialAttention<TNorm>(TNorm Norm, Linear1x1 Query, Linear1x1 Key, Linear1x1 Value, Linear1x1 Output, int HeadCount)
{
    public static SpatialAttention<TNorm> Load(VisionWeights weights, string name, long channels, int headCount, Func<string, long, TNorm> loadNorm) => new(
        loadNorm($"{name}.norm", channels),
        Linear1x1.Load(weights, $"{name}.q", channels), Linear1x1.Load(weights, $"{name}.k", channels),
        Linear1x1.Load(weights, $"{name}.v", channels), Linear1x1.Load(weights, $"{name}.proj_out", channels), headCount);

    public Tensor Forward(Tensor x, INormedLayers<TNorm> layers) // [batch, channels, height, width] → the same shape
    {
        using var scope = NewDisposeScope();
        var (batch, channels, height, width) = (x.size(0), x.size(1), x.size(2), x.size(3));
        var cells = layers.Norm(Norm, x).permute(0, 2, 3, 1).reshape(batch, height * width, channels); // [batch, cells, channels]
        var mixed = F.scaled_dot_product_attention(Heads(Query.Forward(cells)), Heads(Key.Forward(cells)), Heads(Value.Forward(cells)));
        var joined = mixed.transpose(1, 2).reshape(batch, height * width, channels);
        var picture = Output.Forward(joined).view(batch, height, width, channels).permute(0, 3, 1, 2);
        return x.add(picture, Numbers.One).MoveToOuterDisposeScope();
    }

    private Tensor Heads(Tensor cells) => // [batch, heads, cells, channels of a head]
        cells.view(cells.size(0), cells.size(1), HeadCount, cells.size(2) / HeadCount).transpose(1, 2);
}
