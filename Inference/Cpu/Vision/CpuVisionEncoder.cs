using Emu3.Inference.Model;

namespace Emu3.Inference.Cpu.Vision;

/// <summary>
/// Frames → latent vectors: each frame alone through levels of residual blocks, then causal convolutions that join frames.
/// Reference: <c>Emu3VQVAEEncoder</c> of transformers' modeling_emu3; <c>Emu3VisionVQEncoder</c> of baaivision/Emu3.
/// </summary>
internal sealed class CpuVisionEncoder : IDisposable
{
    private readonly List<Func<VisionComputer, Plane, Plane>> layers = [];
    private readonly CpuCausalConvolution[] timeConvs;
    private readonly CpuTemporalBlock[] timeBlocks;
    private readonly CpuCausalConvolution quantConv;
    private readonly CpuBatchNorm swish;
    private readonly List<IDisposable> parts = [];

    public CpuVisionEncoder(CpuWeightReader reader, VisionConfig config)
    {
        const string encoder = "vision.encoder";
        var (channels, latent) = (config.BaseChannels, config.LatentChannels);
        CpuNorm LoadNorm(string name, int count) => CpuNorm.Plain(reader, name, count);
        var convIn = Keep(new CpuConvolution(reader, $"{encoder}.conv_in", config.InChannels, channels));
        layers.Add((computer, padded) => convIn.Forward(computer, padded, summand: null));
        for (var level = 0; level < config.ChannelMultiplier.Count; level++)
        {
            for (var block = 0; block < config.ResBlockCount; block++, channels = config.BaseChannels * config.ChannelMultiplier[level])
            {
                AddBlock($"{encoder}.down.{level}.block.{block}", channels, config.BaseChannels * config.ChannelMultiplier[level]);
                if (config.AttentionLevels.Contains(level))
                    AddAttention($"{encoder}.down.{level}.attn.{block}", config.BaseChannels * config.ChannelMultiplier[level]);
            }
            if (level < config.ChannelMultiplier.Count - 1)
            {
                var downsample = Keep(new CpuConvolution(reader, $"{encoder}.down.{level}.downsample.conv", channels, channels, stride: 2));
                layers.Add((computer, x) => Padded(computer, x, downsample));
            }
        }
        AddBlock($"{encoder}.mid.block_1", channels, channels);
        AddAttention($"{encoder}.mid.attn_1", channels);
        AddBlock($"{encoder}.mid.block_2", channels, channels);
        var normOut = Keep(LoadNorm($"{encoder}.norm_out", channels));
        var convOut = Keep(new CpuConvolution(reader, $"{encoder}.conv_out", channels, latent));
        layers.Add((computer, x) => CpuResidualBlock.NormedConvolution(computer, normOut, convOut, x, cells: null, summand: null));
        timeConvs = [.. Enumerable.Range(0, int.Log2(config.TemporalFactor)).Select(i =>
            Keep(new CpuCausalConvolution(reader, $"{encoder}.time_conv.{i}.conv", latent, latent, frames: 4, size: 3, stride: 2)))];
        timeBlocks = [.. Enumerable.Range(0, config.ResBlockCount).Select(i => Keep(new CpuTemporalBlock(reader, $"{encoder}.time_res_stack.{i}", latent)))];
        quantConv = Keep(new CpuCausalConvolution(reader, "vision.quant_conv", latent, config.EmbedDim, frames: 3, size: 1));
        swish = Keep(new CpuBatchNorm(latent));

        void AddBlock(string name, int from, int to)
        {
            var block = Keep(new CpuResidualBlock(reader, name, from, to, LoadNorm));
            layers.Add((computer, x) => block.Forward(computer, x, cells: null));
        }

        void AddAttention(string name, int count)
        {
            var attention = Keep(new CpuSpatialAttention(reader, name, count, config.AttentionHeadCount, LoadNorm));
            layers.Add((computer, x) => attention.Forward(computer, x, cells: null));
        }
    }

    /// <summary>The layers that see one picture at a time, in order. The first one takes padded pixels. They don't dispose of what they take.</summary>
    public IReadOnlyList<Func<VisionComputer, Plane, Plane>> Layers => layers;

    /// <summary>The part that sees one picture at a time.</summary>
    /// <param name="computer">That computes.</param>
    /// <param name="pixels">Padded; is disposed of.</param>
    public Plane ForwardFrame(VisionComputer computer, Plane pixels)
    {
        var x = pixels;
        foreach (var layer in layers)
        {
            using var last = x;
            x = layer(computer, last);
        }
        return x;
    }

    /// <summary>The part that joins frames.</summary>
    /// <param name="computer">That computes.</param>
    /// <param name="frames">Are not disposed of.</param>
    /// <returns>As many as the temporal factor divides.</returns>
    public Plane[] JoinFrames(VisionComputer computer, Plane[] frames)
    {
        var x = frames;
        foreach (var conv in timeConvs)
        {
            x = Replace(x, conv.Forward(computer, x));
            x = Replace(x, swish.Forward(computer, x));
        }
        foreach (var block in timeBlocks)
            x = Replace(x, block.Forward(computer, x));
        return Replace(x, quantConv.Forward(computer, x));

        Plane[] Replace(Plane[] old, Plane[] result)
        {
            if (old != frames)
                old.DisposeAll();
            return result;
        }
    }

    public void Dispose() => parts.ForEach(part => part.Dispose());

    private static Plane Padded(VisionComputer computer, Plane x, CpuConvolution conv)
    {
        using var padded = computer.Planes.RentPadded(x.Height, x.Width, x.Channels);
        x.CopyTo(padded);
        return conv.Forward(computer, padded, summand: null);
    }

    private T Keep<T>(T part) where T : IDisposable
    {
        parts.Add(part);
        return part;
    }
}
