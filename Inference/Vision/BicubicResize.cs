namespace Emu3.Inference.Vision;

/// <summary>
/// Bicubic resize with antialiasing, to the bit as PIL does it on 8-bit data (Pillow, <c>Resample.c</c>): along the rows, then along the columns, each rounded
/// to bytes; weights as integers of 22 fractional bits. A picture that gets lower and wider takes the columns first: fewer pixels lie between, and the
/// reference's values show that order.
/// </summary>
public static class BicubicResize
{
    private const int FractionBits = 32 - 8 - 2;
    private const double Support = 2, Sharpness = -0.5;

    /// <summary>The source pixels of one target pixel: the first, and how much each counts.</summary>
    private readonly record struct Window(int First, int[] Weights);

    /// <summary>The picture in another size; the picture itself when the size is its own.</summary>
    public static Picture Resize(Picture picture, int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        var columnsFirst = height < picture.Height && width > picture.Width;
        if (columnsFirst)
            picture = WithHeight(picture, height);
        if (width != picture.Width)
            picture = new Picture(width, picture.Height, Rows(picture, Windows(picture.Width, width)));
        return height == picture.Height ? picture : WithHeight(picture, height);
    }

    private static Picture WithHeight(Picture picture, int height) => new(picture.Width, height, Columns(picture, Windows(picture.Height, height)));

    private static byte[] Rows(Picture source, Window[] windows)
    {
        var target = new byte[3 * windows.Length * source.Height];
        for (int row = 0, to = 0; row < source.Height; row++)
        {
            var line = source.Rgb.AsSpan(3 * row * source.Width, 3 * source.Width);
            foreach (var (first, weights) in windows)
            {
                int red = Half, green = Half, blue = Half;
                var at = 3 * first;
                foreach (var weight in weights)
                {
                    red += line[at++] * weight;
                    green += line[at++] * weight;
                    blue += line[at++] * weight;
                }
                target[to++] = Clipped(red);
                target[to++] = Clipped(green);
                target[to++] = Clipped(blue);
            }
        }
        return target;
    }

    private static byte[] Columns(Picture source, Window[] windows)
    {
        var stride = 3 * source.Width;
        var target = new byte[stride * windows.Length];
        var sums = new int[stride];
        for (var row = 0; row < windows.Length; row++)
        {
            Array.Fill(sums, Half);
            var line = windows[row].First;
            foreach (var weight in windows[row].Weights)
            {
                var bytes = source.Rgb.AsSpan(stride * line++, stride);
                for (var at = 0; at < sums.Length; at++)
                    sums[at] += bytes[at] * weight;
            }
            for (var at = 0; at < sums.Length; at++)
                target[row * stride + at] = Clipped(sums[at]);
        }
        return target;
    }

    private const int Half = 1 << FractionBits - 1;

    private static byte Clipped(int sum) => (byte)Math.Clamp(sum >> FractionBits, 0, 255);

    private static Window[] Windows(int from, int to)
    {
        var scale = (double)from / to;
        var stretch = Math.Max(scale, 1); // antialiasing: a reduction widens the filter
        return [.. Enumerable.Range(0, to).Select(At)];

        Window At(int index)
        {
            var centre = (index + 0.5) * scale;
            var first = Math.Max((int)(centre - Support * stretch + 0.5), 0);
            var end = Math.Min((int)(centre + Support * stretch + 0.5), from);
            double[] weights = [.. Enumerable.Range(first, end - first).Select(pixel => Cubic((pixel - centre + 0.5) * (1 / stretch)))];
            var sum = weights.Sum();
            return new(first, [.. weights.Select(weight => Fixed(weight / sum))]);
        }
    }

    private static int Fixed(double weight) => (int)(weight * (1 << FractionBits) + (weight < 0 ? -0.5 : 0.5));

    private static double Cubic(double x)
    {
        x = Math.Abs(x);
        return x switch
        {
            < 1 => ((Sharpness + 2) * x - (Sharpness + 3)) * x * x + 1,
            < 2 => (((x - 5) * x + 8) * x - 4) * Sharpness,
            _ => 0,
        };
    }
}
