using Emu3.Inference.Model;

namespace Emu3.Inference.Memory;

/// <summary>The sizes of pictures that decide how much memory there must be. Pure.</summary>
internal static class PictureSizes
{
    private const int Surroundings = 12; // positions beside a picture's rows, with an empty prompt: BOS, BOI, its size in figures, IMG, and three that end it

    /// <summary>Rows of cells, and cells in a row, of the pictures that fit a slot: the square of the checkpoint's own area, the largest square, row and column, and
    /// the smallest one, whose kernels have other layouts.</summary>
    /// <param name="config">Of the checkpoint.</param>
    /// <param name="positions">Of a slot.</param>
    public static IReadOnlyList<(int Height, int Width)> Drawn(Emu3Config config, int positions)
    {
        var room = Math.Max(2, positions - Surroundings);
        var own = (int)Math.Round(Math.Sqrt(config.ImageArea) / config.Vision.SpatialFactor);
        var largest = (int)((Math.Sqrt(1 + 4.0 * room) - 1) / 2); // (w + 1) · h ≤ room, with an end behind each row
        return [.. Sizes((own, own), (largest, largest), (1, room - 1), (room / 2, 1), (1, 1)).Where(size => (size.Width + 1L) * size.Height <= room && size.Height > 0).Distinct()];
    }

    /// <summary>Pixels of the largest pictures that a question may bring: the square, a wide and a tall one, and the smallest.</summary>
    /// <param name="config">Of the checkpoint.</param>
    /// <param name="positions">Of a slot.</param>
    public static IReadOnlyList<(int Height, int Width)> Read(Emu3Config config, int positions)
    {
        var factor = config.Vision.SpatialFactor;
        var cells = Math.Min(config.Pixels.MaxPixels / (factor * factor), positions);
        var side = Math.Max(1, (int)Math.Sqrt(cells));
        var (shorter, longer) = (Math.Max(1, side / 2), Math.Max(1, 2 * side));
        return [.. Sizes((side, side), (shorter, longer), (longer, shorter), (1, 1)).Select(size => (size.Height * factor, size.Width * factor)).Distinct()];
    }

    private static (int Height, int Width)[] Sizes(params (int Height, int Width)[] sizes) => sizes;
}
