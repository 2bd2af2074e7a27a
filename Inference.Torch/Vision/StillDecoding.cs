using Emu3.Inference.Model;
using static TorchSharp.torch;

namespace Emu3.Inference.Vision;

/// <summary>
/// One still on its way from codes to pixels, in pieces of one layer, so that an engine can decode between its steps.
/// Every piece runs on the engine's thread; what is kept between pieces outlives the caller's dispose scopes.
/// </summary>
internal sealed class StillDecoding : IStillDecoding
{
    private readonly IEnumerator<Func<Tensor, Tensor>> layers;
    private readonly PixelConfig pixels;
    private readonly Tensor cells;
    private Tensor picture;
    private Picture? decoded;

    public StillDecoding(VisionDecoder decoder, (Tensor Picture, Tensor Cells) start, PixelConfig pixels, ProcessorScratch? scratch)
    {
        this.pixels = pixels;
        picture = start.Picture.DetachFromDisposeScope();
        cells = start.Cells.DetachFromDisposeScope();
        IDecoderLayers ways = scratch is null ? new StillDecoderLayers(cells) : new ProcessorLayers(cells, scratch);
        layers = decoder.Layers(ways).GetEnumerator();
    }

    public bool Advance()
    {
        if (decoded is not null)
            return true;
        using var scope = NewDisposeScope();
        if (layers.MoveNext())
        {
            var next = layers.Current(picture).DetachFromDisposeScope();
            picture.Dispose();
            picture = next;
            return false;
        }
        using var values = picture.squeeze(0);
        decoded = Pixels.ToPicture(values, pixels);
        return true;
    }

    public Picture Picture => decoded ?? throw new InvalidOperationException("the picture is not decoded yet: call Advance until it returns true");

    /// <summary>The same before it became bytes.</summary>
    public Tensor Values => decoded is null ? throw new InvalidOperationException("the picture is not decoded yet") : picture; // [1, 3, H, W]

    public void Dispose()
    {
        layers.Dispose();
        picture.Dispose();
        cells.Dispose();
    }
}
