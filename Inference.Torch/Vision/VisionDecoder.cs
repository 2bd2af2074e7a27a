using Emu3.Inference.Model;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Emu3.Inference.Vision;

/// <summary>
/// Latent vectors → frames: causal convolutions that make four frames of each latent one, then each frame alone through levels of residual blocks whose
/// norms the latent frame conditions. Reference: <c>Emu3VQVAEDecoder</c> of transformers' modeling_emu3; <c>Emu3VisionVQDecoder</c> of baaivision/Emu3.
/// </summary>
internal sealed class VisionDecoder
{
    private sealed record Level(ResidualBlock<SpatialNorm>[] Blocks, SpatialAttention<SpatialNorm>[] Attention, Upsample? Upsample);

    private readonly Convolution2d convIn, convOut;
    private readonly ResidualBlock<SpatialNorm> middle1, middle2;
    private readonly SpatialAttention<SpatialNorm> middleAttention;
    private readonly Level[] up;
    private readonly SpatialNorm normOut;

    public VisionDecoder(VisionWeights weights, VisionConfig config)
    {
        PostQuantConv = CausalConv3d.Load(weights, "post_quant_conv", config.EmbedDim, config.LatentChannels, frames: 3, size: 1);
        TimeBlocks = new TemporalResidualBlock[config.ResBlockCount];
        for (var index = 0; index < TimeBlocks.Length; index++)
            TimeBlocks[index] = TemporalResidualBlock.Load(weights, $"decoder.time_res_stack.{index}", config.LatentChannels);
        TimeConvs = new CausalConv3d[int.Log2(config.TemporalFactor)];
        for (var index = 0; index < TimeConvs.Length; index++)
            TimeConvs[index] = CausalConv3d.Load(weights, $"decoder.time_conv.{index}.conv", config.LatentChannels, config.LatentChannels, frames: 3, size: 3);

        long channels = config.BaseChannels * config.ChannelMultiplier[^1];
        convIn = Convolution2d.Load(weights, "decoder.conv_in", config.LatentChannels, channels, size: 3);
        middle1 = ResidualBlock<SpatialNorm>.Load(weights, "decoder.mid.block_1", channels, channels, LoadNorm);
        middleAttention = SpatialAttention<SpatialNorm>.Load(weights, "decoder.mid.attn_1", channels, config.AttentionHeadCount, LoadNorm);
        middle2 = ResidualBlock<SpatialNorm>.Load(weights, "decoder.mid.block_2", channels, channels, LoadNorm);
        up = new Level[config.ChannelMultiplier.Count];
        for (var level = up.Length - 1; level >= 0; level--)
        {
            long outChannels = config.BaseChannels * config.ChannelMultiplier[level];
            var blocks = new ResidualBlock<SpatialNorm>[config.ResBlockCount + 1];
            for (var block = 0; block < blocks.Length; block++, channels = outChannels)
                blocks[block] = ResidualBlock<SpatialNorm>.Load(weights, $"decoder.up.{level}.block.{block}", channels, outChannels, LoadNorm);
            var attention = new SpatialAttention<SpatialNorm>[config.AttentionLevels.Contains(level) ? blocks.Length : 0];
            for (var block = 0; block < attention.Length; block++)
                attention[block] = SpatialAttention<SpatialNorm>.Load(weights, $"decoder.up.{level}.attn.{block}", channels, config.AttentionHeadCount, LoadNorm);
            up[level] = new(blocks, attention, level == 0 ? null : new Upsample(weights, $"decoder.up.{level}.upsample", channels));
        }
        normOut = LoadNorm("decoder.norm_out", channels);
        convOut = Convolution2d.Load(weights, "decoder.conv_out", channels, config.OutChannels, size: 3);

        SpatialNorm LoadNorm(string name, long normChannels) => SpatialNorm.Load(weights, name, normChannels, config.LatentChannels);
    }

    public CausalConv3d PostQuantConv { get; }

    public TemporalResidualBlock[] TimeBlocks { get; }

    /// <summary>Each after a doubling of the frames.</summary>
    public CausalConv3d[] TimeConvs { get; }

    /// <summary>Transforms the kernels that <see cref="ProcessorLayers"/> wants transformed.</summary>
    public void PrepareForProcessor(VisionWeights weights)
    {
        ResidualBlock<SpatialNorm>[] blocks = [middle1, middle2, .. up.SelectMany(level => level.Blocks)];
        var doublings = up.Select(level => level.Upsample?.Convolution).OfType<Convolution2d>();
        foreach (var conv in blocks.SelectMany(block => new[] { block.Conv1, block.Conv2 }).Concat(doublings))
            conv.PrepareWinograd(weights);
    }

    /// <summary>All frames as the reference computes them, the oracle of <see cref="StillDecoding"/>.</summary>
    public Tensor Forward(Tensor quantized, bool channelsLast) // [1, embedDim, F, h, w] → [F · temporalFactor, 3, H, W]
    {
        using var scope = NewDisposeScope();
        var x = cat([PostQuantConv.Forward(quantized), quantized]);
        foreach (var block in TimeBlocks)
            x = block.Forward(x);
        foreach (var conv in TimeConvs)
        {
            using var doubled = x.repeat_interleave(2, dim: 2);
            x = F.silu(conv.Forward(doubled), inplace: true);
        }
        var frames = x.transpose(1, 2).contiguous(); // [2, F · temporalFactor, latentChannels, h, w]
        var latent = frames[1];
        var picture = channelsLast ? frames[0].InChannelsLast() : frames[0];
        foreach (var layer in Layers(new ReferenceDecoderLayers(latent)))
        {
            var next = layer(picture);
            picture.Dispose();
            picture = next;
        }
        return picture.MoveToOuterDisposeScope();
    }

    /// <summary>The layers that see one frame at a time, in order.</summary>
    /// <param name="layers">How they are computed.</param>
    public IEnumerable<Func<Tensor, Tensor>> Layers(IDecoderLayers layers)
    {
        yield return convIn.Forward;
        yield return x => middle1.Forward(x, layers);
        yield return x => middleAttention.Forward(x, layers);
        yield return x => middle2.Forward(x, layers);
        foreach (var level in up.Reverse())
        {
            foreach (var (index, block) in level.Blocks.Index())
            {
                yield return x => block.Forward(x, layers);
                if (level.Attention.Length > 0)
                    yield return x => level.Attention[index].Forward(x, layers);
            }
            if (level.Upsample is not null)
                yield return x => layers.Double(level.Upsample, x);
        }
        yield return x => layers.NormedConvolution(normOut, convOut, x, summand: null);
    }
}
