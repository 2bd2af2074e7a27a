namespace Emu3.Inference.Batching;

/// <summary>How the tokens of a sequence are drawn: the same at every index.</summary>
/// <param name="Sampling">Temperature, top-k, top-p.</param>
/// <param name="Seed">Key of the noise.</param>
/// <param name="SampleIndex">Which sample of the seed.</param>
/// <param name="GuidanceScale">Of a sequence with two branches.</param>
public sealed record DrawSettings(SamplingSettings Sampling, ulong Seed, uint SampleIndex = 0, double GuidanceScale = 1)
{
    /// <summary>Those that a request asks for.</summary>
    public static DrawSettings Of(GenerationRequest request) =>
        new(request.Sampling, request.Seed, request.SampleIndex, request is ImageRequest image ? image.GuidanceScale : 1);
}
