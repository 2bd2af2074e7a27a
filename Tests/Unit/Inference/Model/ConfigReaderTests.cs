using System.Text.Json.Nodes;
using Emu3.Inference;
using Emu3.Inference.Model;
using Emu3.Inference.Weights;
using Emu3.Tests.Unit.Inference.Weights;

namespace Emu3.Tests.Unit.Inference.Model;

[Trait("Suite", "Fast")]
public sealed class ConfigReaderTests : IDisposable
{
    private readonly SmallCheckpoint checkpoint = new();

    public void Dispose() => checkpoint.Dispose();

    [Fact]
    public void Read_AbsentFields_TakeTheReferencesDefaults()
    {
        checkpoint.Write("config.json", new JsonObject { ["text_config"] = new JsonObject() });
        checkpoint.Write("tokenizer.json", SmallCheckpoint.BuildTokenizer(visualCount: 32768));
        var config = ConfigReader.Read(checkpoint.Folder);
        Assert.Equal(
            new TransformerConfig
            {
                VocabularySize = 184622,
                HiddenSize = 4096,
                IntermediateSize = 14336,
                LayerCount = 32,
                HeadCount = 32,
                KeyValueHeadCount = 8,
                HeadDim = 128,
                RopeTheta = 1_000_000,
                RmsNormEpsilon = 1e-5,
                MaxPositions = 9216,
                TieWordEmbeddings = false,
                AttentionBias = false,
                MlpBias = false,
            },
            config.Transformer);
        Assert.Equivalent(
            new VisionConfig
            {
                CodebookSize = 32768,
                EmbedDim = 4,
                LatentChannels = 4,
                InChannels = 3,
                OutChannels = 3,
                BaseChannels = 256,
                ChannelMultiplier = [1, 2, 2, 4],
                ResBlockCount = 2,
                AttentionLevels = [3],
                TemporalFactor = 4,
                AttentionHeadCount = 1,
            },
            config.Vision, strict: true);
        Assert.Equivalent(
            new PixelConfig([0.48145466f, 0.4578275f, 0.40821073f], [0.26862954f, 0.26130258f, 0.27577711f], 512 * 512, 1024 * 1024, OriginalLayout: false),
            config.Pixels, strict: true);
        Assert.Equal(720 * 720, config.ImageArea);
        Assert.Equal(3, config.ImageDefaults.GuidanceScale);
        Assert.Equal(new SamplingSettings(1, 2048, 1), config.ImageDefaults.Sampling);
        Assert.StartsWith("lowres, bad anatomy", config.ImageDefaults.NegativePrompt, StringComparison.Ordinal);
        Assert.Equal(" masterpiece, film grained, best quality.", config.ImageDefaults.PromptSuffix);
    }

    [Fact]
    public void Read_TheSmallTrainedModel_TakesItsOwnDefaults()
    {
        var config = ConfigReader.Read(ModelFolder.Open(Repository.PathTo("models", "emu3-tiny")));
        Assert.Equal("", config.ImageDefaults.PromptSuffix);
        Assert.Equal(1.5, config.ImageDefaults.GuidanceScale);
        Assert.Equal(new SamplingSettings(0.7, 64, 1), config.ImageDefaults.Sampling);
        Assert.Equal(4096, config.ImageArea);
        Assert.Equal(32, config.Vision.EmbedDim);
    }

    [Fact]
    public void Read_NegativePromptAndSuffix_AreTheCheckpointsOwn()
    {
        checkpoint.Write("generation_config.json", """{"negative_prompt":"ugly","prompt_suffix":""}""");
        Assert.Equal("ugly", Read().ImageDefaults.NegativePrompt);
        Assert.Equal("", Read().ImageDefaults.PromptSuffix);
    }

    [Fact]
    public void Read_TiedEmbeddings_OfTheDecoderCountBeforeTheModels()
    {
        Assert.False(Read().Transformer.TieWordEmbeddings);
        checkpoint.Config["tie_word_embeddings"] = true; // where transformers 5 says it
        Assert.True(Read().Transformer.TieWordEmbeddings);
        checkpoint.Config["text_config"]!["tie_word_embeddings"] = false;
        Assert.False(Read().Transformer.TieWordEmbeddings);
        checkpoint.Config["tie_word_embeddings"] = false;
        checkpoint.Config["text_config"]!["tie_word_embeddings"] = true;
        Assert.True(Read().Transformer.TieWordEmbeddings);
    }

    [Theory]
    [InlineData("""{"image_processor":{"size":{"shortest_edge":400,"longest_edge":500}}}""", 400, 500)]
    [InlineData("""{"image_processor":{"size":{"min_pixels":400,"max_pixels":500.0}}}""", 400, 500)]
    [InlineData("""{"image_processor":{"min_pixels":300,"size":{"shortest_edge":400,"longest_edge":500}}}""", 300, 500)]
    [InlineData("""{"image_processor":{}}""", 512 * 512, 1024 * 1024)]
    [InlineData("""{"processor_class":"Emu3Processor"}""", 100, 200)]
    public void Read_ProcessorOfTransformers5_CountsWhereItHasTheImageProcessor(string processor, int least, int most)
    {
        checkpoint.Write("preprocessor_config.json", """{"min_pixels":100,"max_pixels":200}""");
        checkpoint.Write("processor_config.json", processor);
        Assert.Equal((least, most), (Read().Pixels.MinPixels, Read().Pixels.MaxPixels));
        checkpoint.Delete("preprocessor_config.json");
        if (least != 100) Assert.Equal((least, most), (Read().Pixels.MinPixels, Read().Pixels.MaxPixels));
        else RequireRefusal("processor_config.json", "neither preprocessor_config.json nor");
    }

    [Fact]
    public void Read_TopKZero_IsOff()
    {
        checkpoint.Write("generation_config.json", """{"do_sample":true,"temperature":0.7,"top_k":0}""");
        Assert.Equal(new SamplingSettings(0.7, 0, 1), Read().ImageDefaults.Sampling);
        checkpoint.Write("generation_config.json", """{"top_k":-1}""");
        RequireRefusal("top_k", "from 0");
    }

    /// <summary>Windows editors put a byte order mark before what they save.</summary>
    [Fact]
    public void Read_ByteOrderMark_IsPassedOver()
    {
        checkpoint.Write("generation_config.json", "\uFEFF{\"top_k\":9}");
        Assert.Equal(9, Read().ImageDefaults.Sampling.TopK);
    }

    [Fact]
    public void Read_HeadDimOfItsOwn_Counts()
    {
        checkpoint.Config["text_config"]!["head_dim"] = 96;
        Assert.Equal(96, Read().Transformer.HeadDim);
    }

    [Theory]
    [InlineData("""{"rope_scaling":{"rope_type":"default"},"rope_theta":5e5}""")]
    [InlineData("""{"rope_parameters":{"rope_type":"default","rope_theta":5e5}}""")]
    public void Read_PlainRotation_InOldAndNewSpelling(string fields)
    {
        Merge("text_config", fields);
        Assert.Equal(500_000, Read().Transformer.RopeTheta);
    }

    [Theory]
    [InlineData("text_config", """{"rope_scaling":{"rope_type":"yarn","factor":2}}""", "text_config.rope_scaling", "'yarn'")]
    [InlineData("text_config", """{"rope_scaling":{"type":"linear","factor":2}}""", "text_config.rope_scaling", "'linear'")]
    [InlineData("text_config", """{"rope_parameters":{"rope_type":"llama3"}}""", "text_config.rope_parameters", "'llama3'")]
    [InlineData("text_config", """{"hidden_act":"gelu"}""", "text_config.hidden_act", "'gelu'")]
    [InlineData("text_config", """{"hidden_size":"64"}""", "text_config.hidden_size", "a whole number")]
    [InlineData("text_config", """{"num_hidden_layers":0}""", "text_config.num_hidden_layers", "0 is not")]
    [InlineData("text_config", """{"num_hidden_layers":1.5}""", "text_config.num_hidden_layers", "1.5 is not")]
    [InlineData("text_config", """{"num_attention_heads":6,"num_key_value_heads":4}""", "text_config.num_key_value_heads", "6 attention heads")]
    [InlineData("text_config", """{"hidden_size":100}""", "text_config.num_attention_heads", "100")]
    [InlineData("vq_config", """{"double_latent":true}""", "vq_config.double_latent", "not implemented")]
    [InlineData("vq_config", """{"latent_channels":8}""", "vq_config.latent_channels", "8 must equal embed_dim, which is 4")]
    [InlineData("vq_config", """{"channel_multiplier":[]}""", "vq_config.channel_multiplier", "at least one")]
    [InlineData("vq_config", """{"channel_multiplier":[1,"2"]}""", "vq_config.channel_multiplier", "2 is not")]
    [InlineData("vq_config", """{"temporal_downsample_factor":3}""", "vq_config.temporal_downsample_factor", "3 is no power")]
    [InlineData("vq_config", """{"channel_multiplier":[1,2]}""", "spatial_factor", "8 must equal the vision tokenizer's, which is 2")]
    public void Read_WhatIsNotImplemented_IsRefusedByName(string section, string fields, string field, string why)
    {
        Merge(section, fields);
        RequireRefusal(field, why);
    }

    [Theory]
    [InlineData("""{"spatial_factor":16}""", "spatial_factor", "16 must equal")]
    [InlineData("""{"do_resize":false}""", "do_resize", "not implemented")]
    [InlineData("""{"do_normalize":0}""", "do_normalize", "true or false")]
    [InlineData("""{"do_center_crop":true}""", "do_center_crop", "not implemented")]
    [InlineData("""{"resample":2}""", "resample", "bicubic")]
    [InlineData("""{"rescale_factor":1}""", "rescale_factor", "1/255")]
    [InlineData("""{"image_mean":[0.5]}""", "image_mean", "three")]
    [InlineData("""{"image_std":[0.5,0,0.5]}""", "image_std", "greater than 0")]
    [InlineData("""{"min_pixels":10,"max_pixels":9}""", "min_pixels", "more than max_pixels")]
    public void Read_PreprocessorThatIsNotImplemented_IsRefusedByName(string fields, string field, string why)
    {
        checkpoint.Write("preprocessor_config.json", fields);
        RequireRefusal(field, why);
    }

    [Fact]
    public void Read_NoPreprocessor_IsRefusedByName()
    {
        checkpoint.Delete("preprocessor_config.json");
        RequireRefusal("preprocessor_config.json", "Is the download complete?");
    }

    private Emu3Config Read()
    {
        checkpoint.Write("config.json", checkpoint.Config);
        return ConfigReader.Read(checkpoint.Folder);
    }

    private void Merge(string section, string fields)
    {
        foreach (var (name, value) in JsonNode.Parse(fields)!.AsObject())
        {
            checkpoint.Config[section]![name] = value?.DeepClone();
        }
    }

    private void RequireRefusal(string field, string why)
    {
        var error = Assert.Throws<CheckpointException>(() => Read());
        Assert.Contains(field, error.Message, StringComparison.Ordinal);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }
}
