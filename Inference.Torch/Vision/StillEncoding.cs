using static TorchSharp.torch;

namespace Emu3.Inference.Vision;

/// <summary>One picture on its way from pixels to codes, in pieces of one layer. Owns its tensors.</summary>
internal sealed class StillEncoding : IStillEncoding
{
    private readonly IEnumerator<Func<Tensor, Tensor>> layers;
    private readonly Func<Tensor, LatentCodes> quantize;
    private Tensor picture;
    private LatentCodes? codes;

    /// <param name="encoder">Whose layers run.</param>
    /// <param name="pixels">Normalised, on the device; is taken over. [1, 3, H, W]</param>
    /// <param name="quantize">From the encoder's frame to codes.</param>
    public StillEncoding(VisionEncoder encoder, Tensor pixels, Func<Tensor, LatentCodes> quantize)
    {
        this.quantize = quantize;
        picture = pixels.DetachFromDisposeScope();
        layers = encoder.FrameLayers().GetEnumerator();
    }

    public LatentCodes Codes => codes ?? throw new InvalidOperationException("the picture is not encoded yet: call Advance until it returns true");

    public bool Advance()
    {
        if (codes is not null)
            return true;
        using var scope = NewDisposeScope();
        if (layers.MoveNext())
        {
            var next = layers.Current(picture).DetachFromDisposeScope();
            picture.Dispose();
            picture = next;
            return false;
        }
        codes = quantize(picture);
        return true;
    }

    public void Dispose()
    {
        layers.Dispose();
        picture.Dispose();
    }
}
