using Emu3.Inference.Model;
using Emu3.Inference.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Emu3.Inference.Vision;

/// <summary>
/// Pictures and clips to codes and back: a MoVQGAN with temporal convolutions (Emu3, arXiv 2409.18869, §2.2), float32 on every device.
/// One picture or clip at a time, never tiled and never padded to a neighbour: its norms and attention see the whole of it, and nothing else.
/// Use it on the thread that owns the device.
/// </summary>
internal sealed class VisionTokenizer : IVisionTokenizer
{
    private readonly VisionWeights weights;
    private readonly VisionConfig config;
    private readonly PixelConfig pixels;
    private readonly Codebook codebook;
    private readonly VisionEncoder encoder;
    private readonly VisionDecoder decoder;
    private readonly StillLatent stillLatent;
    private readonly ProcessorScratch? scratch;

    private VisionTokenizer(VisionWeights weights, VisionConfig config, PixelConfig pixels, bool processorKernels)
    {
        (this.weights, this.config, this.pixels) = (weights, config, pixels);
        codebook = new Codebook(weights, config.CodebookSize, config.EmbedDim);
        encoder = new VisionEncoder(weights, config);
        decoder = new VisionDecoder(weights, config);
        stillLatent = new StillLatent(weights, decoder, codebook);
        if (processorKernels && codebook.Vectors.device_type == DeviceType.CPU)
        {
            decoder.PrepareForProcessor(weights);
            scratch = new ProcessorScratch();
        }
    }

    /// <summary>Loads encoder and decoder.</summary>
    /// <param name="loader">The checkpoint; decides the device.</param>
    /// <param name="config">Sizes of the layers.</param>
    /// <param name="pixels">Mean and deviation, and the limits of a picture's size.</param>
    /// <param name="channelsLast">The memory layout of convolutions; false is the reference's.</param>
    /// <param name="processorKernels">On the processor, decode stills with <see cref="ProcessorLayers"/>; ignored on other devices.</param>
    /// <exception cref="CheckpointException">A tensor is missing or of another shape.</exception>
    public static VisionTokenizer Load(WeightLoader loader, VisionConfig config, PixelConfig pixels, bool channelsLast = true, bool processorKernels = true)
    {
        var weights = new VisionWeights(loader, channelsLast);
        try
        {
            return new VisionTokenizer(weights, config, pixels, processorKernels);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Pixels of a picture file as <see cref="EncodeStill(Tensor)"/> wants them.</summary>
    /// <exception cref="PictureException">The shape is refused.</exception>
    public Tensor PixelValues(Picture picture) => Pixels.FromPicture(picture, pixels, config.SpatialFactor); // [3, H, W]

    public IStillEncoding BeginEncoding(Picture fitted)
    {
        using var scope = NewDisposeScope();
        return new StillEncoding(encoder, Pixels.FromFitted(fitted, pixels).unsqueeze(0).to(codebook.Vectors.device), QuantizedStill);
    }

    IStillDecoding IVisionTokenizer.BeginStill(ReadOnlySpan<int> codes, int height, int width) => BeginStill(codes, height, width);

    /// <summary>A still is a clip of equal frames; the part that sees single frames runs once.</summary>
    /// <param name="values">Normalised pixels, [3, H, W] on any device, H and W multiples of the spatial factor.</param>
    /// <exception cref="ArgumentException">The shape is another.</exception>
    public LatentCodes EncodeStill(Tensor values)
    {
        using var scope = NewDisposeScope();
        RequireShape(values, 3);
        var frame = encoder.ForwardFrame(values.unsqueeze(0).to(codebook.Vectors.device));
        return QuantizedStill(frame);
    }

    /// <summary>A clip to codes, one latent frame for each group of frames.</summary>
    /// <param name="values">Normalised pixels, [T, 3, H, W] on any device, T a multiple of the temporal factor.</param>
    /// <exception cref="ArgumentException">The shape is another.</exception>
    public LatentCodes EncodeClip(Tensor values)
    {
        using var scope = NewDisposeScope();
        RequireShape(values, 4);
        if (values.size(0) == 0 || values.size(0) % config.TemporalFactor != 0)
            throw new ArgumentException($"a clip has a multiple of {config.TemporalFactor} frames, not {values.size(0)}", nameof(values));
        var frames = values.to(codebook.Vectors.device).split(1).Select(encoder.ForwardFrame);
        return Quantized(stack([.. frames], 2));
    }

    /// <summary>Begins to decode a still; nothing but the latent part runs before the first <see cref="StillDecoding.Advance"/>.</summary>
    /// <param name="codes">Indices into the codebook, row by row.</param>
    /// <param name="height">Rows of cells.</param>
    /// <param name="width">Cells in a row.</param>
    /// <exception cref="ArgumentException">The number of codes is another, or a code is not in the codebook.</exception>
    public StillDecoding BeginStill(ReadOnlySpan<int> codes, int height, int width)
    {
        RequireCodes(codes, 1, height, width);
        using var scope = NewDisposeScope();
        return new StillDecoding(decoder, stillLatent.Forward(codes, height, width), pixels, scratch);
    }

    /// <summary>Decodes a still in one go.</summary>
    public Picture DecodeStill(ReadOnlySpan<int> codes, int height, int width)
    {
        using var decoding = BeginStill(codes, height, width);
        while (!decoding.Advance()) { }
        return decoding.Picture;
    }

    /// <summary>Decodes a clip: temporal-factor frames for each latent frame.</summary>
    /// <exception cref="ArgumentException">As in <see cref="BeginStill"/>.</exception>
    public Picture[] DecodeClip(LatentCodes codes)
    {
        using var scope = NewDisposeScope();
        return [.. DecodeFrames(codes).unbind().Select(frame => Pixels.ToPicture(frame, pixels))];
    }

    /// <summary>All frames in model range, layer by layer as the reference does it: every frame of the group, norms at full resolution.</summary>
    public Tensor DecodeFrames(LatentCodes codes) // → [frames · temporalFactor, 3, H, W]
    {
        using var scope = NewDisposeScope();
        RequireCodes(codes.Codes, codes.Frames, codes.Height, codes.Width);
        var indices = tensor(codes.Codes, ScalarType.Int64, codebook.Vectors.device);
        var vectors = codebook.Vectors.index_select(0, indices).view(1, codes.Frames, codes.Height, codes.Width, -1);
        return decoder.Forward(vectors.permute(0, 4, 1, 2, 3).contiguous(), weights.ChannelsLast).MoveToOuterDisposeScope();
    }

    /// <summary>A still the reference's way: all frames of the group are decoded and the first is kept. What <see cref="BeginStill"/> is measured and checked against.</summary>
    public Picture DecodeReferenceWay(int[] codes, int height, int width)
    {
        using var scope = NewDisposeScope();
        return Pixels.ToPicture(DecodeFrames(new LatentCodes(1, height, width, codes))[0], pixels);
    }

    public void Dispose()
    {
        scratch?.Dispose();
        weights.Dispose();
    }

    private LatentCodes QuantizedStill(Tensor frame) => Quantized(frame.unsqueeze(2).expand(-1, -1, config.TemporalFactor, -1, -1)); // [1, latentChannels, h, w]

    private LatentCodes Quantized(Tensor frames) // [1, latentChannels, T, h, w]
    {
        var latent = encoder.JoinFrames(frames); // [1, embedDim, T / temporalFactor, h, w]
        var cells = latent.permute(0, 2, 3, 4, 1).reshape(-1, latent.size(1));
        return new((int)latent.size(2), (int)latent.size(3), (int)latent.size(4), codebook.Nearest(cells));
    }

    private void RequireShape(Tensor values, int dimensions)
    {
        var (channels, factor) = (config.InChannels, config.SpatialFactor);
        if (values.dim() != dimensions || values.size(-3) != channels)
            throw new ArgumentException($"pixel values are [{(dimensions == 4 ? "T, " : "")}{channels}, H, W], not [{string.Join(", ", values.shape)}]", nameof(values));
        var (height, width) = (values.size(-2), values.size(-1));
        if (height == 0 || width == 0 || height % factor != 0 || width % factor != 0)
            throw new ArgumentException($"height and width are multiples of {factor}, not {height} and {width}", nameof(values));
    }

    private void RequireCodes(ReadOnlySpan<int> codes, int frames, int height, int width)
    {
        if (height < 1 || width < 1 || frames < 1 || codes.Length != (long)frames * height * width)
            throw new ArgumentException($"{frames}×{height}×{width} cells are not {codes.Length} codes", nameof(codes));
        foreach (var code in codes)
        {
            if ((uint)code >= (uint)config.CodebookSize)
                throw new ArgumentException($"code {code} is not in the codebook of {config.CodebookSize}", nameof(codes));
        }
    }
}
