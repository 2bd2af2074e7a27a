using Emu3.Inference.Tokens;

namespace Emu3.Inference.Model;

/// <summary>Everything a checkpoint says about itself, in one naming whatever its layout.</summary>
public sealed record Emu3Config(
    TransformerConfig Transformer, VisionConfig Vision, PixelConfig Pixels, SpecialTokens Tokens, ImageDefaults ImageDefaults, int ImageArea);

/// <summary>The decoder (original: top level of <c>config.json</c>; transformers: <c>text_config</c>).</summary>
public sealed record TransformerConfig
{
    public required int VocabularySize { get; init; }
    public required int HiddenSize { get; init; }
    public required int IntermediateSize { get; init; }
    public required int LayerCount { get; init; }
    public required int HeadCount { get; init; }
    public required int KeyValueHeadCount { get; init; }

    /// <summary>From the file if it has one, else hidden size ÷ heads.</summary>
    public required int HeadDim { get; init; }
    public required double RopeTheta { get; init; }
    public required double RmsNormEpsilon { get; init; }
    public required int MaxPositions { get; init; }
    public required bool TieWordEmbeddings { get; init; }
    public required bool AttentionBias { get; init; }
    public required bool MlpBias { get; init; }
}

/// <summary>The vision tokenizer (original names in brackets).</summary>
public sealed record VisionConfig
{
    public required int CodebookSize { get; init; }
    public required int EmbedDim { get; init; }

    /// <summary>[z_channels] Must equal <see cref="EmbedDim"/>.</summary>
    public required int LatentChannels { get; init; }
    public required int InChannels { get; init; }
    public required int OutChannels { get; init; }

    /// <summary>[ch]</summary>
    public required int BaseChannels { get; init; }

    /// <summary>[ch_mult]</summary>
    public required IReadOnlyList<int> ChannelMultiplier { get; init; }
    public required int ResBlockCount { get; init; }

    /// <summary>Indices of the levels with attention after every block.</summary>
    public required IReadOnlyList<int> AttentionLevels { get; init; }
    public required int TemporalFactor { get; init; }
    public required int AttentionHeadCount { get; init; }

    /// <summary>2^(levels − 1)</summary>
    public int SpatialFactor => 1 << (ChannelMultiplier.Count - 1);
}

/// <summary>How pictures become numbers (<c>preprocessor_config.json</c>).</summary>
/// <param name="Mean">Of each channel, R G B.</param>
/// <param name="Deviation">Of each channel, R G B.</param>
/// <param name="MinPixels">Smaller pictures are enlarged.</param>
/// <param name="MaxPixels">Larger ones are reduced.</param>
/// <param name="OriginalLayout">Chooses between the two references' rules for extreme shapes.</param>
public sealed record PixelConfig(
    IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation, int MinPixels, int MaxPixels, bool OriginalLayout);
