namespace Emu3.Inference.Vision;

/// <summary>
/// What the engine asks of a vision tokenizer. There are two: our own kernels on the processor, and TorchSharp on other devices. One thread at a time calls:
/// the engine's, or on the processor that of its <see cref="Engine.PictureWorker"/>.
/// </summary>
internal interface IVisionTokenizer : IDisposable
{
    /// <summary>Begins to encode a picture; what takes long runs in <see cref="IPictureWork.Advance"/>.</summary>
    /// <param name="fitted">Of a size that <see cref="PictureFitting"/> gives.</param>
    IStillEncoding BeginEncoding(Picture fitted);

    /// <summary>Begins to decode a still; the layers that take long run in <see cref="IPictureWork.Advance"/>.</summary>
    /// <param name="codes">Indices into the codebook, row by row.</param>
    /// <param name="height">Rows of cells.</param>
    /// <param name="width">Cells in a row.</param>
    /// <exception cref="ArgumentException">The number of codes is another, or a code is not in the codebook.</exception>
    IStillDecoding BeginStill(ReadOnlySpan<int> codes, int height, int width);
}

/// <summary>One picture on its way through the layers, in pieces of one layer, so that an engine can compute it between its steps.</summary>
internal interface IPictureWork : IDisposable
{
    /// <summary>Runs the next piece.</summary>
    /// <returns>True when the result is there.</returns>
    bool Advance();
}

/// <summary>One picture on its way from pixels to codes.</summary>
internal interface IStillEncoding : IPictureWork
{
    /// <summary>The codes, once <see cref="IPictureWork.Advance"/> has returned true.</summary>
    LatentCodes Codes { get; }
}

/// <summary>One picture on its way from codes to pixels.</summary>
internal interface IStillDecoding : IPictureWork
{
    /// <summary>The picture, once <see cref="IPictureWork.Advance"/> has returned true.</summary>
    Picture Picture { get; }
}
