using Emu3.Inference.Vision;

namespace Emu3.Inference.Cpu.Vision;

/// <summary>One picture on its way from pixels to codes, in pieces of one layer.</summary>
/// <param name="computer">That computes.</param>
/// <param name="encoder">Whose layers run.</param>
/// <param name="pixels">Normalised and padded; is taken over.</param>
/// <param name="quantize">Joins the frame, as often as a still is repeated in time, and gives its codes.</param>
internal sealed class CpuStillEncoding(VisionComputer computer, CpuVisionEncoder encoder, Plane pixels, Func<Plane, LatentCodes> quantize) : IStillEncoding
{
    private Plane picture = pixels;
    private LatentCodes? codes;
    private int next;

    public LatentCodes Codes => codes ?? throw new InvalidOperationException("the picture is not encoded yet: call Advance until it returns true");

    public bool Advance()
    {
        if (codes is not null)
            return true;
        if (next < encoder.Layers.Count)
        {
            using var last = picture;
            picture = encoder.Layers[next++](computer, last);
            return false;
        }
        codes = quantize(picture);
        return true;
    }

    public void Dispose()
    {
        picture.Dispose();
        computer.Planes.Trim();
    }
}
