using System.Globalization;
using System.Text.Json.Nodes;
using Emu3.Grains.Interfaces;

namespace Emu3.Cli.Verify;

/// <summary>A picture of the folder as it was made.</summary>
/// <param name="FileName">Relative to the folder.</param>
/// <param name="Recipe">From the file.</param>
/// <param name="NumericClass">That made it, as the folder has it.</param>
/// <param name="IsReproducible">The class holds that a recipe always gives the same tokens.</param>
/// <param name="MadeBy">The device; null where the folder does not know.</param>
internal sealed record MadeOutput(string FileName, PictureRecipe Recipe, string? NumericClass, bool IsReproducible, string? MadeBy)
{
    /// <summary>The item that makes it again.</summary>
    /// <param name="id">For the job.</param>
    /// <param name="spatialFactor">Of the model.</param>
    public string ToWire(string id, int spatialFactor) => new JsonObject
    {
        ["id"] = id,
        ["prompt"] = Recipe.Prompt,
        ["prompt_suffix"] = "",
        ["negative_prompt"] = Recipe.NegativePrompt,
        ["guidance_scale"] = Recipe.GuidanceScale,
        ["seed"] = Recipe.Seed.ToString(CultureInfo.InvariantCulture),
        ["sample"] = Recipe.SampleIndex,
        ["temperature"] = Recipe.Temperature,
        ["top_k"] = Recipe.TopK,
        ["top_p"] = Recipe.TopP,
        // Not by size: a model may take another area than the one that is asked for in pixels.
        ["ratio"] = string.Create(CultureInfo.InvariantCulture, $"{Recipe.LatentWidth}:{Recipe.LatentHeight}"),
        ["area"] = Recipe.LatentWidth * Recipe.LatentHeight * spatialFactor * spatialFactor,
        ["output_format"] = "png",
        ["embed_recipe"] = true,
    }.ToJsonString();
}
