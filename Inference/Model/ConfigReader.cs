using Emu3.Inference.Tokens;
using Emu3.Inference.Weights;

namespace Emu3.Inference.Model;

/// <summary>
/// Reads <see cref="Emu3Config"/> from the files of a checkpoint, whatever its layout. Absent fields take the defaults of the reference's configuration classes
/// (transformers: <c>configuration_emu3.py</c>, <c>image_processing_emu3.py</c>; baaivision/Emu3: <c>emu3/mllm</c>, <c>emu3/tokenizer</c>);
/// what this implementation does not do is refused by name. Loads no native library.
/// </summary>
public static class ConfigReader
{
    private const string NegativePrompt =
        "lowres, bad anatomy, bad hands, text, error, missing fingers, extra digit, fewer digits, cropped, worst quality, low quality, normal quality, jpeg artifacts, signature, watermark, username, blurry.";

    private const string PromptSuffix = " masterpiece, film grained, best quality.";

    private static readonly int[] s_channelMultiplier = [1, 2, 2, 4];
    private static readonly int[] s_attentionLevels = [3];
    private static readonly float[] s_half = [0.5f, 0.5f, 0.5f];
    private static readonly float[] s_clipMean = [0.48145466f, 0.4578275f, 0.40821073f];
    private static readonly float[] s_clipDeviation = [0.26862954f, 0.26130258f, 0.27577711f];

    /// <exception cref="CheckpointException">A file is missing, a field has the wrong kind, or asks for what is not implemented; the message names file and field.</exception>
    public static Emu3Config Read(ModelFolder folder)
    {
        var config = ConfigFile.Read(folder.Language, "config.json");
        var vision = folder.IsOriginal
            ? OriginalVision(ConfigFile.Read(folder.Vision, "config.json"))
            : TransformersVision(config.Section("vq_config"));
        var transformer = Transformer(folder.IsOriginal ? config : config.Section("text_config"), config);
        var tokens = SpecialVocabulary.Read(folder).Tokens(vision.CodebookSize, transformer.VocabularySize);
        return new Emu3Config(
            transformer, vision, Pixels(folder, vision), tokens, Defaults(ConfigFile.ReadIfThere(folder.Language, "generation_config.json")),
            config.Count("image_area", 720 * 720));
    }

    /// <param name="config">The decoder's fields.</param>
    /// <param name="whole">The file's own, where transformers 5 has what holds for the whole model.</param>
    private static TransformerConfig Transformer(ConfigFile config, ConfigFile whole)
    {
        RequireKnown(config);
        var hidden = config.Count("hidden_size", 4096);
        var heads = config.Count("num_attention_heads", 32);
        var keyValueHeads = config.Count("num_key_value_heads", 8);
        if (heads % keyValueHeads != 0)
        {
            throw config.Refused("num_key_value_heads", $"{heads} attention heads are no multiple of {keyValueHeads}");
        }

        if (!config.Has("head_dim") && hidden % heads != 0)
        {
            throw config.Refused("num_attention_heads", $"a hidden size of {hidden} is no multiple of {heads} heads, and there is no head_dim");
        }

        return new TransformerConfig
        {
            VocabularySize = config.Count("vocab_size", 184622),
            HiddenSize = hidden,
            IntermediateSize = config.Count("intermediate_size", 14336),
            LayerCount = config.Count("num_hidden_layers", 32),
            HeadCount = heads,
            KeyValueHeadCount = keyValueHeads,
            HeadDim = config.Count("head_dim", hidden / heads),
            RopeTheta = config.Section("rope_parameters").Number("rope_theta", config.Number("rope_theta", 1_000_000)),
            RmsNormEpsilon = config.Number("rms_norm_eps", 1e-5),
            MaxPositions = config.Count("max_position_embeddings", 9216),
            TieWordEmbeddings = config.Flag("tie_word_embeddings", whole.Flag("tie_word_embeddings", false)),
            AttentionBias = config.Flag("attention_bias", false),
            MlpBias = config.Flag("mlp_bias", false),
        };
    }

    private static void RequireKnown(ConfigFile config)
    {
        if (config.Text("hidden_act", "silu") is not "silu" and var activation)
        {
            throw config.Refused("hidden_act", $"'{activation}' is not implemented, only silu");
        }

        // Newer files write rope_parameters, older ones rope_scaling; "default" is the plain rotation in both.
        foreach (var section in new[] { "rope_scaling", "rope_parameters" })
        {
            var rope = config.Section(section);
            if (rope.Text("rope_type", rope.Text("type", "default")) is not "default" and var kind)
            {
                throw config.Refused(section, $"rope type '{kind}' is not implemented, only default");
            }
        }
    }

    private static VisionConfig TransformersVision(ConfigFile config) => Vision(
        config, latentChannels: "latent_channels", doubleLatent: "double_latent", baseChannels: "base_channels", multiplier: "channel_multiplier");

    private static VisionConfig OriginalVision(ConfigFile config) => Vision(
        config, latentChannels: "z_channels", doubleLatent: "double_z", baseChannels: "ch", multiplier: "ch_mult");

    private static VisionConfig Vision(ConfigFile config, string latentChannels, string doubleLatent, string baseChannels, string multiplier)
    {
        var vision = new VisionConfig
        {
            CodebookSize = config.Count("codebook_size", 32768),
            EmbedDim = config.Count("embed_dim", 4),
            LatentChannels = config.Count(latentChannels, 4),
            InChannels = config.Count("in_channels", 3),
            OutChannels = config.Count("out_channels", 3),
            BaseChannels = config.Count(baseChannels, 256),
            ChannelMultiplier = config.Counts(multiplier, s_channelMultiplier),
            ResBlockCount = config.Count("num_res_blocks", 2),
            AttentionLevels = config.Counts("attn_resolutions", s_attentionLevels),
            TemporalFactor = config.Count("temporal_downsample_factor", 4),
            AttentionHeadCount = config.Count("num_attention_heads", 1),
        };
        if (config.Flag(doubleLatent, false))
        {
            throw config.Refused(doubleLatent, "true is not implemented");
        }

        if (vision.LatentChannels != vision.EmbedDim)
        {
            throw config.Refused(latentChannels, $"{vision.LatentChannels} must equal embed_dim, which is {vision.EmbedDim}");
        }

        if (vision.ChannelMultiplier is [] || vision.ChannelMultiplier.Contains(0))
        {
            throw config.Refused(multiplier, "it must list at least one number, all from 1 on");
        }

        if (!int.IsPow2(vision.TemporalFactor))
        {
            throw config.Refused("temporal_downsample_factor", $"{vision.TemporalFactor} is no power of two");
        }

        if (vision.InChannels != 3 || vision.OutChannels != 3)
        {
            throw config.Refused("in_channels", $"{vision.InChannels} in and {vision.OutChannels} out; pictures have 3, red, green and blue");
        }

        return vision;
    }

    private static PixelConfig Pixels(ModelFolder folder, VisionConfig vision)
    {
        var config = Preprocessor(folder);
        var factor = config.Count("spatial_factor", 8);
        if (factor != vision.SpatialFactor)
        {
            throw config.Refused("spatial_factor", $"{factor} must equal the vision tokenizer's, which is {vision.SpatialFactor} (2 to the number of its levels less one)");
        }

        foreach (var step in new[] { "do_resize", "do_rescale", "do_normalize", "do_convert_rgb" })
        {
            if (!config.Flag(step, true))
            {
                throw config.Refused(step, "false is not implemented");
            }
        }

        const int bicubic = 3; // PIL.Image.Resampling.BICUBIC
        if (config.Count("resample", bicubic) != bicubic)
        {
            throw config.Refused("resample", "only 3, bicubic, is implemented");
        }

        if (config.Flag("do_center_crop", false))
        {
            throw config.Refused("do_center_crop", "true is not implemented");
        }

        if (Math.Abs((config.Number("rescale_factor", 1 / 255.0) * 255) - 1) > 1e-6)
        {
            throw config.Refused("rescale_factor", "only 1/255 is implemented");
        }

        var size = config.Section("size"); // transformers 5 calls the two areas edges
        var pixels = new PixelConfig(
            config.Numbers("image_mean", folder.IsOriginal ? s_half : s_clipMean),
            config.Numbers("image_std", folder.IsOriginal ? s_half : s_clipDeviation),
            config.Count("min_pixels", size.Count("min_pixels", size.Count("shortest_edge", 512 * 512))),
            config.Count("max_pixels", size.Count("max_pixels", size.Count("longest_edge", 1024 * 1024))),
            folder.IsOriginal);
        return pixels switch
        {
            { Mean.Count: not 3 } => throw config.Refused("image_mean", "it must have three numbers"),
            { Deviation.Count: not 3 } => throw config.Refused("image_std", "it must have three numbers"),
            _ when pixels.Deviation.Any(d => d <= 0) => throw config.Refused("image_std", "its numbers must be greater than 0"),
            _ when pixels.MinPixels > pixels.MaxPixels => throw config.Refused("min_pixels", $"{pixels.MinPixels} is more than max_pixels, which is {pixels.MaxPixels}"),
            _ => pixels,
        };
    }

    /// <summary>transformers 5 writes it into <c>processor_config.json</c>, which counts where both are there, as it does for transformers; older ones into a file of its own.</summary>
    private static ConfigFile Preprocessor(ModelFolder folder)
    {
        const string own = "preprocessor_config.json", shared = "processor_config.json", section = "image_processor";
        var processor = ConfigFile.ReadIfThere(folder.Vision, shared);
        return processor.Has(section) ? processor.Section(section)
            : File.Exists(Path.Combine(folder.Vision, own)) ? ConfigFile.Read(folder.Vision, own)
            : throw new CheckpointException($"{folder.Vision} has neither {own} nor a {shared} with {section} in it: how pictures become numbers is said nowhere. Is the download complete?");
    }

    /// <summary>
    /// What image requests use where they say nothing: what the checkpoint says in <c>generation_config.json</c>, else what the reference does. The reference writes its
    /// negative prompt and suffix into its scripts; the fields <c>negative_prompt</c> and <c>prompt_suffix</c> are ours.
    /// </summary>
    private static ImageDefaults Defaults(ConfigFile generation) => new(
        generation.Number("guidance_scale", 3),
        new SamplingSettings(generation.Number("temperature", 1), generation.Whole("top_k", 2048, least: 0), generation.Number("top_p", 1)),
        generation.Text("negative_prompt", NegativePrompt), generation.Text("prompt_suffix", PromptSuffix));
}
