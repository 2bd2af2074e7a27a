using Emu3.Inference.Vision;

namespace Emu3.Inference.Simulation;

/// <summary>What simulated engines generate: a pure function of seed, sample and index, whoever computes it and whenever.</summary>
public static class SimulatedTokens
{
    /// <summary>The token at an index.</summary>
    public static int TokenAt(ulong seed, uint sampleIndex, int index, int codebookSize = 32768) =>
        (int)(Mix(seed ^ Mix(((ulong)sampleIndex << 32) | (uint)index)) % (ulong)codebookSize);

    /// <summary>The characters of the token at an index of an answer.</summary>
    public static string PieceAt(int index) => $"w{index} ";

    /// <summary>Tokens of a whole request: rows with their ends and three that close a picture; an answer is as long as it may be, where no stop ends it.</summary>
    public static int CountOf(GenerationRequest request) => request switch
    {
        ImageRequest image => ((image.LatentWidth + 1) * image.LatentHeight) + 3,
        ChatRequest chat => chat.MaxNewTokens,
        _ => throw new ArgumentException($"Requests of type {request.GetType().Name} are not known.", nameof(request)),
    };

    /// <summary>A cell in one colour for each visual token. In a preview, cells that are not drawn yet repeat the one above.</summary>
    public static Picture Draw(ImageRequest request, int spatialFactor, int codebookSize)
    {
        var (width, height) = (request.LatentWidth * spatialFactor, request.LatentHeight * spatialFactor);
        var rgb = new byte[3 * width * height];
        var line = rgb.AsSpan();
        for (var row = 0; row < request.LatentHeight; row++)
        {
            var first = line[..(3 * width)];
            for (var cell = 0; cell < request.LatentWidth; cell++)
            {
                var colour = Mix((ulong)TokenAt(request.Seed, request.SampleIndex, IndexOf(request, row, cell), codebookSize));
                for (var at = 3 * cell * spatialFactor; at < 3 * (cell + 1) * spatialFactor; at += 3)
                    (first[at], first[at + 1], first[at + 2]) = ((byte)colour, (byte)(colour >> 8), (byte)(colour >> 16));
            }

            for (line = line[first.Length..]; line.Length > (request.LatentHeight - row - 1) * spatialFactor * first.Length; line = line[first.Length..]) first.CopyTo(line);
        }

        return new Picture(width, height, rgb);
    }

    /// <summary>The token that gives a cell its colour.</summary>
    private static int IndexOf(ImageRequest request, int row, int cell)
    {
        var rowLength = request.LatentWidth + 1;
        while (request.IsPreview && row > 0 && (row * rowLength) + cell >= request.Generated.Count) row--;
        return (row * rowLength) + cell;
    }

    /// <summary>Spreads every bit over all others (the finisher of SplitMix64).</summary>
    internal static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
