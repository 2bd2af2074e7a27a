using Emu3.Inference;

namespace Emu3.Benchmarks.Pictures;

/// <summary>The same prompts for everyone: 8×8 cells, so that all pictures take equally many steps.</summary>
internal static class PictureWork
{
    private static readonly string[] s_colours = ["red", "green", "blue", "yellow", "purple", "orange", "white", "black"];
    private static readonly string[] s_shapes = ["circle", "square", "triangle", "star", "heart", "ring", "cross", "diamond"];

    public static string Prompt(int i) =>
        $"a {(i % 3 == 0 ? "big" : "small")} {s_colours[i % 8]} {s_shapes[i / 8 % 8]} on a {s_colours[(i + 1 + (i / 64)) % 8]} background";

    /// <summary>A request as the gateway resolves it.</summary>
    /// <param name="model">Its defaults are taken.</param>
    /// <param name="i">Which prompt; also the seed.</param>
    /// <param name="greedy">Take the most likely tokens, so that ids can be compared with another way of computing.</param>
    public static ImageRequest Request(ModelFacts model, int i, bool greedy) => new()
    {
        Id = $"{i}",
        Prompt = Prompt(i),
        NegativePrompt = model.ImageDefaults.NegativePrompt,
        GuidanceScale = model.ImageDefaults.GuidanceScale,
        Sampling = greedy ? SamplingSettings.Greedy : model.ImageDefaults.Sampling,
        Seed = (ulong)i,
        LatentHeight = 8,
        LatentWidth = 8,
    };
}
