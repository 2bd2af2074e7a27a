using Emu3.Inference.Weights;

namespace Emu3.Tests.Unit.Inference.Weights;

[Trait("Suite", "Fast")]
public sealed class CheckpointLayoutTests
{
    [Theory]
    [InlineData("text_model.model.layers.3.self_attn.q_proj.weight", "model.layers.3.self_attn.q_proj.weight")]
    [InlineData("text_model.lm_head.weight", "lm_head.weight")]
    [InlineData("vqmodel.quantize.embedding.weight", "vision.quantize.embedding.weight")]
    [InlineData("vqmodel.encoder.down_block.down.0.block.1.conv1.weight", "vision.encoder.down.0.block.1.conv1.weight")]
    [InlineData("vqmodel.encoder.down_block.down.3.attn.1.out_proj.bias", "vision.encoder.down.3.attn.1.proj_out.bias")]
    [InlineData("vqmodel.encoder.down_block.down.3.attn_norms.1.weight", "vision.encoder.down.3.attn.1.norm.weight")]
    [InlineData("vqmodel.encoder.middle_block.attn_norm.bias", "vision.encoder.mid.attn_1.norm.bias")]
    [InlineData("vqmodel.decoder.middle_block.attn_1.k_proj.weight", "vision.decoder.mid.attn_1.k.weight")]
    [InlineData("vqmodel.decoder.up_block.up.2.attn_norms.0.conv_y.weight", "vision.decoder.up.2.attn.0.norm.conv_y.weight")]
    [InlineData("vqmodel.decoder.time_res_stack.0.norm1.running_mean", "vision.decoder.time_res_stack.0.norm1.running_mean")]
    [InlineData("lm_head.weight", null)]
    [InlineData("model.norm.weight", null)]
    public void Canonical_OfTheHub_IsTheOriginalName(string name, string? canonical) =>
        Assert.Equal(canonical, CheckpointLayout.Canonical(TensorNaming.Hub, name, isVision: false));

    [Theory]
    [InlineData("model.text_model.norm.weight", "model.norm.weight")]
    [InlineData("lm_head.weight", "lm_head.weight")]
    [InlineData("model.vqmodel.encoder.middle_block.block_2.conv1.weight", "vision.encoder.mid.block_2.conv1.weight")]
    [InlineData("text_model.lm_head.weight", null)]
    public void Canonical_OfModuleNames_IsTheOriginalName(string name, string? canonical) =>
        Assert.Equal(canonical, CheckpointLayout.Canonical(TensorNaming.Modules, name, isVision: false));

    [Fact]
    public void Canonical_OfTheOriginal_TellsTheVisionTokenizerApart()
    {
        Assert.Equal("model.norm.weight", CheckpointLayout.Canonical(TensorNaming.Original, "model.norm.weight", isVision: false));
        Assert.Equal("vision.quant_conv.conv.bias", CheckpointLayout.Canonical(TensorNaming.Original, "quant_conv.conv.bias", isVision: true));
    }

    [Theory]
    [InlineData("vqmodel.x", TensorNaming.Hub)]
    [InlineData("text_model.model.norm.weight", TensorNaming.Hub)]
    [InlineData("model.text_model.norm.weight", TensorNaming.Modules)]
    [InlineData("model.vqmodel.x", TensorNaming.Modules)]
    [InlineData("model.norm.weight", null)]
    public void Detect_ByPrefix(string name, TensorNaming? naming) =>
        Assert.Equal(naming, CheckpointLayout.Detect(["lm_head.weight", name]));
}
