using Emu3.Inference.Cpu.Kernels;

namespace Emu3.Inference.Cpu.Vision;

/// <summary>What all layers of the vision tokenizer compute with.</summary>
/// <param name="threads">That compute at first.</param>
internal sealed unsafe class VisionComputer(CpuThreads threads) : IDisposable
{
    private const int BandRows = 256; // of a product with many rows: they are read once from memory for all outputs

    /// <summary>That compute from now on: others may take over between two layers. They change no bit.</summary>
    public CpuThreads Threads { get; set; } = threads;

    public ICpuKernels Kernels => Threads.Kernels;

    public PlanePool Planes { get; } = new();

    /// <summary>A product with many rows and few outputs: bands of rows are shared out between threads, where layers of the decoder share out outputs.</summary>
    public void MultiplyBands(Product product)
    {
        var bands = (product.Rows + BandRows - 1) / BandRows;
        Threads.For(bands, (long)product.Outputs * product.Inputs * BandRows / 8, (from, to, worker) =>
        {
            var band = product;
            band.Rows = Math.Min(product.Rows, to * BandRows) - from * BandRows;
            band.X += from * BandRows * product.XStride;
            band.Y += from * BandRows * product.YStride;
            Kernels.Multiply(band, 0, band.Outputs, Threads.Scratch(worker));
        });
    }

    public void Dispose() => Planes.Dispose();
}
