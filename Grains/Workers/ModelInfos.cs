using Emu3.Grains.Interfaces;
using Emu3.Inference;

namespace Emu3.Grains.Workers;

/// <summary>The one place where a checkpoint's facts become the entry that requests are resolved against.</summary>
public static class ModelInfos
{
    public static ModelInfo From(ModelFacts model) => new()
    {
        Name = model.Name,
        WeightsHash = model.WeightsHash,
        CanDraw = model.CanDraw,
        CanChat = model.CanChat,
        SpatialFactor = model.SpatialFactor,
        ImageArea = model.ImageArea,
        MaxPositions = model.MaxPositions,
        CodebookSize = model.CodebookSize,
        GuidanceScale = model.ImageDefaults.GuidanceScale,
        ImageSampling = new SamplingSpec(model.ImageDefaults.Sampling.Temperature, model.ImageDefaults.Sampling.TopK, model.ImageDefaults.Sampling.TopP),
        NegativePrompt = model.ImageDefaults.NegativePrompt,
        PromptSuffix = model.ImageDefaults.PromptSuffix,
    };
}
