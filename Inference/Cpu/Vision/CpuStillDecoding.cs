using Emu3.Inference.Model;
using Emu3.Inference.Vision;

namespace Emu3.Inference.Cpu.Vision;

/// <summary>One picture on its way from codes to pixels, in pieces of one layer, so that an engine can decode between its steps.</summary>
/// <param name="computer">That computes.</param>
/// <param name="decoder">Whose layers run.</param>
/// <param name="start">What the picture starts from; is taken over.</param>
/// <param name="cells">What conditions the norms; is taken over.</param>
/// <param name="pixels">Mean and deviation.</param>
internal sealed unsafe class CpuStillDecoding(VisionComputer computer, CpuVisionDecoder decoder, Plane start, Plane cells, PixelConfig pixels) : IStillDecoding
{
    private Plane picture = start;
    private Picture? decoded;
    private int next;

    public Picture Picture => decoded ?? throw new InvalidOperationException("the picture is not decoded yet: call Advance until it returns true");

    public bool Advance()
    {
        if (decoded is not null)
            return true;
        if (next < decoder.Layers.Count)
        {
            using var last = picture;
            picture = decoder.Layers[next++](computer, last, cells);
            return false;
        }
        decoded = ToPicture();
        computer.Planes.Trim();
        return true;
    }

    public void Dispose()
    {
        picture.Dispose();
        cells.Dispose();
        computer.Planes.Trim();
    }

    /// <summary>x · deviation + mean, × 255, clipped to 0..255, truncated.</summary>
    private Picture ToPicture()
    {
        var rgb = new byte[picture.Height * picture.Width * 3];
        for (var i = 0; i < rgb.Length; i++)
            rgb[i] = (byte)Math.Clamp((picture.Start[i] * pixels.Deviation[i % 3] + pixels.Mean[i % 3]) * 255f, 0f, 255f);
        return new Picture(picture.Width, picture.Height, rgb);
    }
}
