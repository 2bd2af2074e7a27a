using Emu3.Inference.Model;
using Emu3.Inference.Vision;

namespace Emu3.Inference.Cpu.Vision;

/// <summary>
/// What the vision tokenizer takes in memory for a picture, without computing it: takes the same planes in the same order as <see cref="CpuVisionDecoder"/>
/// and <see cref="CpuVisionEncoder"/>, from a pool that only counts. Pure.
/// </summary>
internal sealed class VisionTrace : IDisposable
{
    private readonly PlanePool planes = new(isCountOnly: true);
    private readonly VisionConfig config;
    private Plane? cells; // what conditions the decoder's norms; none in the encoder
    private readonly List<KernelLayout> layouts = [];

    private VisionTrace(VisionConfig config) => this.config = config;

    /// <summary>Of decoding one picture.</summary>
    /// <param name="config">Sizes of the layers.</param>
    /// <param name="height">Rows of cells.</param>
    /// <param name="width">Cells in a row.</param>
    public static VisionMemory OfDecoding(VisionConfig config, int height, int width)
    {
        using var trace = new VisionTrace(config);
        trace.Decode(height, width);
        return new(trace.planes.PeakBytes, trace.layouts);
    }

    /// <summary>Of encoding one picture.</summary>
    /// <param name="config">Sizes of the layers.</param>
    /// <param name="height">Pixels.</param>
    /// <param name="width">Pixels.</param>
    public static VisionMemory OfEncoding(VisionConfig config, int height, int width)
    {
        using var trace = new VisionTrace(config);
        trace.Encode(height, width);
        return new(trace.planes.PeakBytes, trace.layouts);
    }

    public void Dispose() => planes.Dispose();

    private void Decode(int height, int width)
    {
        var vectors = planes.Rent(height, width, config.EmbedDim);
        var start = planes.Rent(height, width, config.LatentChannels);
        var x = Temporal(start);
        cells = Temporal(vectors);
        start.Dispose();
        vectors.Dispose();
        var channels = config.BaseChannels * config.ChannelMultiplier[^1];
        x = Then(x, picture => Convolved(picture, channels));
        x = Then(x, picture => Block(picture, channels));
        x = Then(x, Attention);
        x = Then(x, picture => Block(picture, channels));
        for (var level = config.ChannelMultiplier.Count - 1; level >= 0; level--)
        {
            var outChannels = config.BaseChannels * config.ChannelMultiplier[level];
            for (var block = 0; block <= config.ResBlockCount; block++)
            {
                x = Then(x, picture => Block(picture, outChannels));
                if (config.AttentionLevels.Contains(level))
                    x = Then(x, Attention);
            }
            if (level > 0)
                x = Then(x, Doubled);
        }
        Then(x, picture => NormedConvolution(picture, config.OutChannels));
    }

    private void Encode(int height, int width)
    {
        var padded = planes.RentPadded(height, width, config.InChannels);
        var x = Convolution(padded, config.BaseChannels);
        padded.Dispose();
        for (var level = 0; level < config.ChannelMultiplier.Count; level++)
        {
            var outChannels = config.BaseChannels * config.ChannelMultiplier[level];
            for (var block = 0; block < config.ResBlockCount; block++)
            {
                x = Then(x, picture => Block(picture, outChannels));
                if (config.AttentionLevels.Contains(level))
                    x = Then(x, Attention);
            }
            if (level < config.ChannelMultiplier.Count - 1)
                x = Then(x, picture => Convolved(picture, outChannels, stride: 2));
        }
        x = Then(x, picture => Block(picture, picture.Channels));
        x = Then(x, Attention);
        x = Then(x, picture => Block(picture, picture.Channels));
        Then(x, picture => NormedConvolution(picture, config.LatentChannels)); // the frames of a still are one: what follows has a few numbers a cell
    }

    private static Plane Then(Plane x, Func<Plane, Plane> layer)
    {
        var result = layer(x);
        x.Dispose();
        return result;
    }

    /// <summary>The temporal part, on one frame.</summary>
    private Plane Temporal(Plane first)
    {
        var x = first;
        for (var block = 0; block < config.ResBlockCount; block++)
            x = Replace(x, () =>
            {
                var middle = Normed(x);
                var result = Normed(middle);
                middle.Dispose();
                return result;
            });
        for (var conv = 0; conv < int.Log2(config.TemporalFactor); conv++)
        {
            x = Replace(x, () => Like(x));
            x = Replace(x, () => Like(x));
        }
        return x;

        Plane Like(Plane plane) => planes.Rent(plane.Height, plane.Width, config.LatentChannels);

        Plane Normed(Plane plane)
        {
            using var normed = Like(plane);
            return Like(plane);
        }

        Plane Replace(Plane old, Func<Plane> layer)
        {
            var result = layer();
            if (old != first)
                old.Dispose();
            return result;
        }
    }

    private Plane Block(Plane x, int channels)
    {
        using var middle = NormedConvolution(x, channels);
        if (x.Channels == channels)
            return NormedConvolution(middle, channels);
        using var widened = planes.Rent(x.Height, x.Width, channels);
        return NormedConvolution(middle, channels);
    }

    private Plane NormedConvolution(Plane x, int channels)
    {
        using var padded = planes.RentPadded(x.Height, x.Width, x.Channels);
        Norm(x);
        return Convolution(padded, channels);
    }

    private Plane Convolved(Plane x, int channels, int stride = 1)
    {
        using var padded = planes.RentPadded(x.Height, x.Width, x.Channels);
        return Convolution(padded, channels, stride);
    }

    private Plane Doubled(Plane x)
    {
        using var padded = planes.RentPadded(2 * x.Height, 2 * x.Width, x.Channels);
        return Convolution(padded, x.Channels);
    }

    private void Norm(Plane x)
    {
        var conditioning = planes.Take(2L * x.Channels * (cells is null ? 1 : cells.Height * cells.Width));
        var moments = planes.Take(2L * x.Channels);
        planes.Return(planes.Take((long)x.Height * x.Channels));
        planes.Return(moments);
        planes.Return(conditioning);
    }

    private Plane Convolution(Plane padded, int channels, int stride = 1)
    {
        var result = planes.Rent(padded.Height / stride, padded.Width / stride, channels);
        var isTiled = CpuConvolution.IsTiled(padded.Height, padded.Width, padded.Channels, channels, stride);
        layouts.Add(new(isTiled, CpuConvolution.LayoutBytes(isTiled, padded.Channels, channels)));
        if (!isTiled)
            return result;
        var rows = CpuConvolution.Bands(padded.Height, padded.Width).Rows;
        var windows = planes.Take((long)Winograd.ProductCount * rows * padded.Channels);
        var products = planes.Take((long)Winograd.ProductCount * rows * channels);
        planes.Return(windows);
        planes.Return(products);
        return result;
    }

    private Plane Attention(Plane x)
    {
        var (channels, count) = (x.Channels, x.Height * x.Width);
        layouts.Add(new(IsTiled: false, (long)channels * channels * sizeof(float)));
        using var normed = planes.Rent(x.Height, x.Width, channels);
        Norm(x);
        using var queries = planes.Rent(x.Height, x.Width, channels);
        using var keys = planes.Rent(x.Height, x.Width, channels);
        var values = planes.Take((long)channels * count);
        using var mixed = planes.Rent(x.Height, x.Width, channels);
        for (var head = 0; head < config.AttentionHeadCount; head++)
        {
            var scores = planes.Take((long)CpuSpatialAttention.RowsTogether * count);
            var headKeys = planes.Take((long)count * (channels / config.AttentionHeadCount));
            planes.Return(headKeys);
            planes.Return(scores);
        }
        planes.Return(values);
        return planes.Rent(x.Height, x.Width, channels);
    }
}

/// <summary>A kernel as it is laid out for a picture: once, and it stays.</summary>
/// <param name="IsTiled">For <see cref="Winograd"/>; small pictures go another way, with a layout of its own.</param>
/// <param name="Bytes">That it takes.</param>
internal readonly record struct KernelLayout(bool IsTiled, long Bytes);

/// <summary>What a picture takes in the vision tokenizer.</summary>
/// <param name="PlaneBytes">Held at once at most, between its layers; given back when it is done.</param>
/// <param name="Layouts">The kernels that it needs, in the order of the layers.</param>
internal sealed record VisionMemory(long PlaneBytes, IReadOnlyList<KernelLayout> Layouts)
{
    /// <summary>What all kernels take when pictures of all these sizes came.</summary>
    public static long LayoutBytes(IEnumerable<VisionMemory> pictures) =>
        pictures.SelectMany(picture => picture.Layouts.Select((layout, at) => (layout, at))).Distinct().Sum(each => each.layout.Bytes);
}
