using Emu3.Inference.Model;

namespace Emu3.Inference.Cpu.Vision;

/// <summary>
/// Latent vectors → frames: causal convolutions that make several frames of each latent one, then each frame alone through levels of residual blocks whose
/// norms the latent frame conditions. Reference: <c>Emu3VQVAEDecoder</c> of transformers' modeling_emu3; <c>Emu3VisionVQDecoder</c> of baaivision/Emu3.
/// </summary>
internal sealed class CpuVisionDecoder : IDisposable
{
    private readonly CpuCausalConvolution postQuantConv;
    private readonly CpuTemporalBlock[] timeBlocks;
    private readonly CpuCausalConvolution[] timeConvs;
    private readonly CpuBatchNorm swish;
    private readonly List<Func<VisionComputer, Plane, Plane, Plane>> layers = [];
    private readonly List<IDisposable> parts = [];

    public CpuVisionDecoder(CpuWeightReader reader, VisionConfig config)
    {
        const string decoder = "vision.decoder";
        var latent = config.LatentChannels;
        CpuNorm LoadNorm(string name, int count) => CpuNorm.Spatial(reader, name, count, latent);
        postQuantConv = Keep(new CpuCausalConvolution(reader, "vision.post_quant_conv", config.EmbedDim, latent, frames: 3, size: 1));
        timeBlocks = [.. Enumerable.Range(0, config.ResBlockCount).Select(i => Keep(new CpuTemporalBlock(reader, $"{decoder}.time_res_stack.{i}", latent)))];
        timeConvs = [.. Enumerable.Range(0, int.Log2(config.TemporalFactor)).Select(i =>
            Keep(new CpuCausalConvolution(reader, $"{decoder}.time_conv.{i}.conv", latent, latent, frames: 3, size: 3)))];
        swish = Keep(new CpuBatchNorm(latent));

        var channels = config.BaseChannels * config.ChannelMultiplier[^1];
        var convIn = Keep(new CpuConvolution(reader, $"{decoder}.conv_in", latent, channels));
        layers.Add((computer, x, _) =>
        {
            using var padded = computer.Planes.RentPadded(x.Height, x.Width, x.Channels);
            x.CopyTo(padded);
            return convIn.Forward(computer, padded, summand: null);
        });
        AddBlock($"{decoder}.mid.block_1", channels, channels);
        AddAttention($"{decoder}.mid.attn_1", channels);
        AddBlock($"{decoder}.mid.block_2", channels, channels);
        for (var level = config.ChannelMultiplier.Count - 1; level >= 0; level--)
        {
            var outChannels = config.BaseChannels * config.ChannelMultiplier[level];
            for (var block = 0; block <= config.ResBlockCount; block++, channels = outChannels)
            {
                AddBlock($"{decoder}.up.{level}.block.{block}", channels, outChannels);
                if (config.AttentionLevels.Contains(level))
                    AddAttention($"{decoder}.up.{level}.attn.{block}", outChannels);
            }
            if (level > 0)
            {
                var conv = Keep(new CpuConvolution(reader, $"{decoder}.up.{level}.upsample.conv", channels, channels));
                layers.Add((computer, x, _) => Double(computer, x, conv));
            }
        }
        var normOut = Keep(LoadNorm($"{decoder}.norm_out", channels));
        var convOut = Keep(new CpuConvolution(reader, $"{decoder}.conv_out", channels, config.OutChannels));
        layers.Add((computer, x, cells) => CpuResidualBlock.NormedConvolution(computer, normOut, convOut, x, cells, summand: null));

        void AddBlock(string name, int from, int to)
        {
            var block = Keep(new CpuResidualBlock(reader, name, from, to, LoadNorm));
            layers.Add(block.Forward);
        }

        void AddAttention(string name, int count)
        {
            var attention = Keep(new CpuSpatialAttention(reader, name, count, config.AttentionHeadCount, LoadNorm));
            layers.Add(attention.Forward);
        }
    }

    /// <summary>The layers that see one frame at a time, in order: picture and cells in, picture out. They dispose of neither.</summary>
    public IReadOnlyList<Func<VisionComputer, Plane, Plane, Plane>> Layers => layers;

    /// <summary>
    /// The temporal part. A still needs frame 0 only: it is one latent frame, and frame 0 of anything causal sees itself and the zeros before it, so doubling in time
    /// changes nothing for it.
    /// </summary>
    /// <param name="computer">That computes.</param>
    /// <param name="vectors">One picture of codebook vectors a latent frame; are not disposed of.</param>
    /// <param name="isStill">Gives frame 0 alone.</param>
    /// <returns>What each frame starts from, and what conditions its norms.</returns>
    public (Plane[] Pictures, Plane[] Cells) SplitFrames(VisionComputer computer, Plane[] vectors, bool isStill)
    {
        var pictures = postQuantConv.Forward(computer, vectors);
        var (started, conditioning) = (Run(pictures), Run(vectors));
        pictures.DisposeAll();
        return (started, conditioning);

        Plane[] Run(Plane[] first)
        {
            var x = first;
            foreach (var block in timeBlocks)
                x = Replace(x, block.Forward(computer, x));
            foreach (var conv in timeConvs)
            {
                // Each frame twice: the second stands for the same memory.
                x = Replace(x, conv.Forward(computer, isStill ? x : [.. x.SelectMany(frame => new[] { frame, frame })]));
                x = Replace(x, swish.Forward(computer, x));
            }
            return x;

            Plane[] Replace(Plane[] old, Plane[] result)
            {
                if (old != first)
                    old.DisposeAll();
                return result;
            }
        }
    }

    public void Dispose() => parts.ForEach(part => part.Dispose());

    /// <summary>Each pixel into four, then the convolution.</summary>
    private static unsafe Plane Double(VisionComputer computer, Plane x, CpuConvolution conv)
    {
        using var padded = computer.Planes.RentPadded(2 * x.Height, 2 * x.Width, x.Channels);
        computer.Threads.For(padded.Height, (long)padded.Width * x.Channels / 4, (from, to, _) =>
        {
            for (var row = from; row < to; row++)
                for (var column = 0; column < padded.Width; column++)
                    new Span<float>(x.Row(row / 2) + (nint)(column / 2) * x.Channels, x.Channels).CopyTo(new Span<float>(padded.Row(row) + (nint)column * x.Channels, x.Channels));
        });
        return conv.Forward(computer, padded, summand: null);
    }

    private T Keep<T>(T part) where T : IDisposable
    {
        parts.Add(part);
        return part;
    }
}
