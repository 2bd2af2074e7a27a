using Emu3.Inference.Model;
using Emu3.Inference.Vision;

namespace Emu3.Inference.Cpu.Vision;

/// <summary>
/// The vision tokenizer on kernels of our own: pictures and clips to codes and back. Codes and bytes are the same on every processor, with any number of threads.
/// One thread calls.
/// </summary>
internal sealed unsafe class CpuVisionTokenizer : IVisionTokenizer
{
    private readonly VisionConfig config;
    private readonly PixelConfig pixels;
    private readonly VisionComputer computer;
    private readonly CpuCodebook codebook;
    private readonly CpuVisionEncoder encoder;
    private readonly CpuVisionDecoder decoder;

    /// <param name="reader">The checkpoint; must outlive the tokenizer. Kernels are read when they are first used.</param>
    /// <param name="config">Sizes of the layers.</param>
    /// <param name="pixels">Mean and deviation, and the limits of a picture's size.</param>
    /// <param name="threads">That compute; must outlive the tokenizer.</param>
    /// <exception cref="Weights.CheckpointException">A tensor is missing or of another shape.</exception>
    public CpuVisionTokenizer(CpuWeightReader reader, VisionConfig config, PixelConfig pixels, CpuThreads threads)
    {
        (this.config, this.pixels) = (config, pixels);
        codebook = new CpuCodebook(reader, config.CodebookSize, config.EmbedDim);
        encoder = new CpuVisionEncoder(reader, config);
        decoder = new CpuVisionDecoder(reader, config);
        computer = new VisionComputer(threads);
    }

    /// <summary>Bytes that pictures between layers held at once at most.</summary>
    public long PeakBytes => computer.Planes.PeakBytes;

    /// <summary>That compute from now on.</summary>
    public CpuThreads Threads { set => computer.Threads = value; }

    /// <summary>Resizes a picture, and encodes it.</summary>
    /// <exception cref="PictureException">The shape is refused.</exception>
    public LatentCodes EncodeStill(Picture picture)
    {
        using var encoding = BeginEncoding(PictureFitting.Fit(picture, pixels, config.SpatialFactor));
        while (!encoding.Advance()) { }
        return encoding.Codes;
    }

    public IStillEncoding BeginEncoding(Picture fitted)
    {
        var values = computer.Planes.RentPadded(fitted.Height, fitted.Width, config.InChannels);
        for (var row = 0; row < fitted.Height; row++)
            for (var i = 0; i < 3 * fitted.Width; i++)
                values.Row(row)[i] = (fitted.Rgb[row * 3 * fitted.Width + i] / 255f - pixels.Mean[i % 3]) / pixels.Deviation[i % 3];
        return new CpuStillEncoding(computer, encoder, values, QuantizedStill);
    }

    /// <summary>A still is a clip of equal frames; the part that sees single frames runs once.</summary>
    /// <param name="values">Normalised pixels, [3, H, W].</param>
    /// <param name="height">H, a multiple of the spatial factor.</param>
    /// <param name="width">W, a multiple of the spatial factor.</param>
    public LatentCodes EncodeStill(ReadOnlySpan<float> values, int height, int width) => EncodeStill(Padded(values, height, width));

    /// <summary>A clip to codes, one latent frame for each group of frames.</summary>
    /// <param name="values">Normalised pixels, [T, 3, H, W], T a multiple of the temporal factor.</param>
    /// <param name="height">H</param>
    /// <param name="width">W</param>
    public LatentCodes EncodeClip(ReadOnlySpan<float> values, int height, int width)
    {
        var size = 3 * height * width;
        var frames = new Plane[values.Length / size];
        for (var frame = 0; frame < frames.Length; frame++)
            frames[frame] = encoder.ForwardFrame(computer, Padded(values.Slice(frame * size, size), height, width));
        var codes = Quantized(frames);
        frames.DisposeAll();
        return codes;
    }

    public IStillDecoding BeginStill(ReadOnlySpan<int> codes, int height, int width)
    {
        RequireCodes(codes, 1, height, width);
        using var vectors = codebook.Picture(computer, codes, height, width);
        var (pictures, cells) = decoder.SplitFrames(computer, [vectors], isStill: true);
        return new CpuStillDecoding(computer, decoder, pictures[0], cells[0], pixels);
    }

    /// <summary>Decodes a clip: temporal-factor frames for each latent frame.</summary>
    /// <exception cref="ArgumentException">As in <see cref="BeginStill"/>.</exception>
    public Picture[] DecodeClip(LatentCodes codes)
    {
        RequireCodes(codes.Codes, codes.Frames, codes.Height, codes.Width);
        var size = codes.Height * codes.Width;
        Plane[] vectors = [.. Enumerable.Range(0, codes.Frames).Select(frame => codebook.Picture(computer, codes.Codes.AsSpan(frame * size, size), codes.Height, codes.Width))];
        var (pictures, cells) = decoder.SplitFrames(computer, vectors, isStill: false);
        vectors.DisposeAll();
        return [.. pictures.Zip(cells, (picture, cell) =>
        {
            using var decoding = new CpuStillDecoding(computer, decoder, picture, cell, pixels);
            while (!decoding.Advance()) { }
            return decoding.Picture;
        })];
    }

    public void Dispose()
    {
        foreach (var part in (IDisposable[])[encoder, decoder, codebook, computer])
            part.Dispose();
    }

    private LatentCodes EncodeStill(Plane padded)
    {
        using var frame = encoder.ForwardFrame(computer, padded);
        return QuantizedStill(frame);
    }

    private LatentCodes QuantizedStill(Plane frame) => Quantized([.. Enumerable.Repeat(frame, config.TemporalFactor)]);

    private LatentCodes Quantized(Plane[] frames)
    {
        var latent = encoder.JoinFrames(computer, frames);
        var codes = new LatentCodes(latent.Length, latent[0].Height, latent[0].Width, [.. latent.SelectMany(frame => codebook.Nearest(computer, frame))]);
        latent.DisposeAll();
        computer.Planes.Trim();
        return codes;
    }

    /// <summary>Channels go innermost.</summary>
    private Plane Padded(ReadOnlySpan<float> values, int height, int width)
    {
        var padded = computer.Planes.RentPadded(height, width, config.InChannels);
        for (var i = 0; i < values.Length; i++)
        {
            var (channel, row, column) = (i / (height * width), i / width % height, i % width);
            padded.Row(row)[column * config.InChannels + channel] = values[i];
        }
        return padded;
    }

    private void RequireCodes(ReadOnlySpan<int> codes, int frames, int height, int width)
    {
        if (height < 1 || width < 1 || frames < 1 || codes.Length != (long)frames * height * width)
            throw new ArgumentException($"{frames}×{height}×{width} cells are not {codes.Length} codes", nameof(codes));
        foreach (var code in codes)
            if ((uint)code >= (uint)config.CodebookSize)
                throw new ArgumentException($"code {code} is not in the codebook of {config.CodebookSize}", nameof(codes));
    }
}
