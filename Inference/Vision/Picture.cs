namespace Emu3.Inference.Vision;

/// <summary>A picture in memory.</summary>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
/// <param name="Rgb">Row by row from the top, three bytes a pixel.</param>
public sealed record Picture(int Width, int Height, byte[] Rgb)
{
    /// <summary>Row by row from the top, three bytes a pixel.</summary>
    public byte[] Rgb { get; } = Rgb.Length == 3L * Width * Height
        ? Rgb
        : throw new ArgumentException($"{Width}×{Height} pixels are {3L * Width * Height} bytes of RGB, not {Rgb.Length}", nameof(Rgb));
}

/// <summary>The file formats that are written.</summary>
public enum PictureFormat { Png, Jpeg, Webp }

/// <summary>The file formats that are read.</summary>
public enum SourceFormat { Png, Jpeg, Webp, Gif, Bmp }

/// <summary>What the header of a picture file says.</summary>
/// <param name="Format">The file's format, by its content.</param>
/// <param name="Width">Pixels as stored, before the orientation is applied.</param>
/// <param name="Height">Pixels as stored.</param>
public readonly record struct PictureHeader(SourceFormat Format, int Width, int Height);
