using Emu3.Inference.Model;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Emu3.Inference.Vision;

/// <summary>
/// Frames → latent vectors: each frame alone through levels of residual blocks, then causal convolutions that join frames.
/// Reference: <c>Emu3VQVAEEncoder</c> of transformers' modeling_emu3; <c>Emu3VisionVQEncoder</c> of baaivision/Emu3.
/// </summary>
internal sealed class VisionEncoder
{
    private sealed record Level(ResidualBlock<GroupNorm>[] Blocks, SpatialAttention<GroupNorm>[] Attention, Convolution2d? Downsample);

    private static readonly EncoderLayers Layers = new();

    private readonly Convolution2d convIn, convOut;
    private readonly Level[] down;
    private readonly ResidualBlock<GroupNorm> middle1, middle2;
    private readonly SpatialAttention<GroupNorm> middleAttention;
    private readonly GroupNorm normOut;
    private readonly CausalConv3d[] timeConvs;
    private readonly TemporalResidualBlock[] timeBlocks;
    private readonly CausalConv3d quantConv;
    private readonly bool channelsLast;

    public VisionEncoder(VisionWeights weights, VisionConfig config)
    {
        long channels = config.BaseChannels;
        channelsLast = weights.ChannelsLast;
        convIn = Convolution2d.Load(weights, "encoder.conv_in", config.InChannels, channels, size: 3);
        down = new Level[config.ChannelMultiplier.Count];
        for (var level = 0; level < down.Length; level++)
        {
            long outChannels = config.BaseChannels * config.ChannelMultiplier[level];
            var blocks = new ResidualBlock<GroupNorm>[config.ResBlockCount];
            for (var block = 0; block < blocks.Length; block++, channels = outChannels)
                blocks[block] = ResidualBlock<GroupNorm>.Load(weights, $"encoder.down.{level}.block.{block}", channels, outChannels, LoadNorm);
            var attention = new SpatialAttention<GroupNorm>[config.AttentionLevels.Contains(level) ? blocks.Length : 0];
            for (var block = 0; block < attention.Length; block++)
                attention[block] = SpatialAttention<GroupNorm>.Load(weights, $"encoder.down.{level}.attn.{block}", channels, config.AttentionHeadCount, LoadNorm);
            var downsample = level == down.Length - 1
                ? null
                : Convolution2d.Load(weights, $"encoder.down.{level}.downsample.conv", channels, channels, size: 3, stride: 2);
            down[level] = new(blocks, attention, downsample);
        }
        middle1 = ResidualBlock<GroupNorm>.Load(weights, "encoder.mid.block_1", channels, channels, LoadNorm);
        middleAttention = SpatialAttention<GroupNorm>.Load(weights, "encoder.mid.attn_1", channels, config.AttentionHeadCount, LoadNorm);
        middle2 = ResidualBlock<GroupNorm>.Load(weights, "encoder.mid.block_2", channels, channels, LoadNorm);
        normOut = GroupNorm.Load(weights, "encoder.norm_out", channels);
        convOut = Convolution2d.Load(weights, "encoder.conv_out", channels, config.LatentChannels, size: 3);
        timeConvs = new CausalConv3d[int.Log2(config.TemporalFactor)];
        for (var index = 0; index < timeConvs.Length; index++)
        {
            timeConvs[index] = CausalConv3d.Load(
                weights, $"encoder.time_conv.{index}.conv", config.LatentChannels, config.LatentChannels, frames: 4, size: 3, temporalStride: 2);
        }
        timeBlocks = new TemporalResidualBlock[config.ResBlockCount];
        for (var index = 0; index < timeBlocks.Length; index++)
            timeBlocks[index] = TemporalResidualBlock.Load(weights, $"encoder.time_res_stack.{index}", config.LatentChannels);
        quantConv = CausalConv3d.Load(weights, "quant_conv", config.LatentChannels, config.EmbedDim, frames: 3, size: 1);

        GroupNorm LoadNorm(string name, long normChannels) => GroupNorm.Load(weights, name, normChannels);
    }

    /// <summary>The layers of the part that sees one picture at a time, in order; they dispose of nothing that they take.</summary>
    public IEnumerable<Func<Tensor, Tensor>> FrameLayers() // [1, 3, H, W] → [1, latentChannels, h, w]
    {
        yield return pixels => convIn.Forward(channelsLast ? pixels.InChannelsLast() : pixels);
        foreach (var level in down)
        {
            for (var block = 0; block < level.Blocks.Length; block++)
            {
                var (convolutions, at) = (level.Blocks[block], block);
                yield return x => convolutions.Forward(x, Layers);
                if (level.Attention.Length > 0)
                    yield return x => level.Attention[at].Forward(x, Layers);
            }
            if (level.Downsample is not null)
                yield return x => Halved(x, level.Downsample);
        }
        yield return x => middle1.Forward(x, Layers);
        yield return x => middleAttention.Forward(x, Layers);
        yield return x => middle2.Forward(x, Layers);
        yield return x => Layers.NormedConvolution(normOut, convOut, x, summand: null);
    }

    /// <summary>The part that sees one picture at a time.</summary>
    public Tensor ForwardFrame(Tensor pixels) // [1, 3, H, W] → [1, latentChannels, h, w]
    {
        using var scope = NewDisposeScope();
        var x = pixels.alias();
        foreach (var layer in FrameLayers())
            x = Replace(x, layer(x));
        return x.MoveToOuterDisposeScope();
    }

    /// <summary>The part that joins frames.</summary>
    public Tensor JoinFrames(Tensor frames) // [1, latentChannels, T, h, w] → [1, embedDim, T / temporalFactor, h, w]
    {
        using var scope = NewDisposeScope();
        var x = frames;
        foreach (var conv in timeConvs)
            x = F.silu(conv.Forward(x), inplace: true);
        foreach (var block in timeBlocks)
            x = block.Forward(x);
        return quantConv.Forward(x).MoveToOuterDisposeScope();
    }

    private static Tensor Halved(Tensor x, Convolution2d downsample)
    {
        using var padded = F.pad(x, [0, 1, 0, 1]); // right and below
        return downsample.Forward(padded);
    }

    private static Tensor Replace(Tensor old, Tensor result)
    {
        old.Dispose(); // a large picture's layers must not pile up until the scope ends
        return result;
    }
}
