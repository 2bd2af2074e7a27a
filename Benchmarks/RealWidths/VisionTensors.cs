namespace Emu3.Benchmarks.RealWidths;

/// <summary>The tensors of the real vision tokenizer, by the original layout's names.</summary>
internal static class VisionTensors
{
    public const int CodebookSize = 32768;
    private const int Base = 256, Latent = 4, BlockCount = 2;
    private static readonly int[] s_multipliers = [1, 2, 2, 4];

    public static IEnumerable<RandomTensor> All() =>
    [
        new("quantize.embedding.weight", [CodebookSize, Latent], 1),
        .. TimeConvolution("quant_conv", 3, 1), .. TimeConvolution("post_quant_conv", 3, 1), .. Encoder(), .. Decoder(),
    ];

    private static IEnumerable<RandomTensor> Encoder()
    {
        IEnumerable<RandomTensor> tensors = Convolution("encoder.conv_in", 3, Base, 3);
        var channels = Base;
        for (var level = 0; level < s_multipliers.Length; level++)
        {
            for (var block = 0; block < BlockCount; block++, channels = Base * s_multipliers[level])
                tensors = tensors.Concat(Block($"encoder.down.{level}.block.{block}", channels, Base * s_multipliers[level], Norm));
            for (var block = 0; block < BlockCount && level == s_multipliers.Length - 1; block++)
                tensors = tensors.Concat(Attention($"encoder.down.{level}.attn.{block}", channels, Norm));
            if (level < s_multipliers.Length - 1)
                tensors = tensors.Concat(Convolution($"encoder.down.{level}.downsample.conv", channels, channels, 3));
        }
        tensors = tensors.Concat(Middle("encoder", channels, Norm)).Concat(Norm("encoder.norm_out", channels)).Concat(Convolution("encoder.conv_out", channels, Latent, 3));
        return tensors.Concat(Time("encoder", 4));
    }

    private static IEnumerable<RandomTensor> Decoder()
    {
        var channels = Base * s_multipliers[^1];
        var tensors = Time("decoder", 3).Concat(Convolution("decoder.conv_in", Latent, channels, 3)).Concat(Middle("decoder", channels, SpatialNorm));
        for (var level = s_multipliers.Length - 1; level >= 0; level--)
        {
            for (var block = 0; block <= BlockCount; block++, channels = Base * s_multipliers[level])
                tensors = tensors.Concat(Block($"decoder.up.{level}.block.{block}", channels, Base * s_multipliers[level], SpatialNorm));
            for (var block = 0; block <= BlockCount && level == s_multipliers.Length - 1; block++)
                tensors = tensors.Concat(Attention($"decoder.up.{level}.attn.{block}", channels, SpatialNorm));
            if (level > 0)
                tensors = tensors.Concat(Convolution($"decoder.up.{level}.upsample.conv", channels, channels, 3));
        }
        return tensors.Concat(SpatialNorm("decoder.norm_out", channels)).Concat(Convolution("decoder.conv_out", channels, 3, 3));
    }

    private static IEnumerable<RandomTensor> Time(string part, int frames) => Enumerable.Range(0, 2).SelectMany(i => (RandomTensor[])
    [
        .. TimeConvolution($"{part}.time_conv.{i}.conv", frames, 3),
        .. BatchNorm($"{part}.time_res_stack.{i}.norm1"), .. TimeConvolution($"{part}.time_res_stack.{i}.conv1", 3, 3),
        .. BatchNorm($"{part}.time_res_stack.{i}.norm2"), .. TimeConvolution($"{part}.time_res_stack.{i}.conv2", 3, 3),
    ]);

    private static IEnumerable<RandomTensor> Middle(string part, int channels, Func<string, int, IEnumerable<RandomTensor>> norm) =>
        Block($"{part}.mid.block_1", channels, channels, norm).Concat(Attention($"{part}.mid.attn_1", channels, norm)).Concat(Block($"{part}.mid.block_2", channels, channels, norm));

    private static IEnumerable<RandomTensor> Block(string name, int from, int to, Func<string, int, IEnumerable<RandomTensor>> norm) =>
    [
        .. norm($"{name}.norm1", from), .. Convolution($"{name}.conv1", from, to, 3), .. norm($"{name}.norm2", to), .. Convolution($"{name}.conv2", to, to, 3),
        .. from == to ? [] : Convolution($"{name}.nin_shortcut", from, to, 1),
    ];

    private static IEnumerable<RandomTensor> Attention(string name, int channels, Func<string, int, IEnumerable<RandomTensor>> norm) =>
        norm($"{name}.norm", channels).Concat(((string[])["q", "k", "v", "proj_out"]).SelectMany(part => Convolution($"{name}.{part}", channels, channels, 1)));

    private static IEnumerable<RandomTensor> Norm(string name, int channels) => [new($"{name}.weight", [channels], 0.1f, 1), new($"{name}.bias", [channels], 0.1f)];

    private static IEnumerable<RandomTensor> SpatialNorm(string name, int channels) =>
        Norm($"{name}.norm_layer", channels).Concat(Convolution($"{name}.conv_y", Latent, channels, 1)).Concat(Convolution($"{name}.conv_b", Latent, channels, 1));

    private static IEnumerable<RandomTensor> BatchNorm(string name) =>
        [.. Norm(name, Latent), new($"{name}.running_mean", [Latent], 0.1f), new($"{name}.running_var", [Latent], 0.1f, 1)];

    private static IEnumerable<RandomTensor> Convolution(string name, int from, int to, int size) =>
        [new($"{name}.weight", [to, from, size, size], MathF.Sqrt(3f / (from * size * size))), new($"{name}.bias", [to], 0.01f)];

    private static IEnumerable<RandomTensor> TimeConvolution(string name, int frames, int size) =>
        [new($"{name}.conv.weight", [Latent, Latent, frames, size, size], MathF.Sqrt(3f / (Latent * frames * size * size))), new($"{name}.conv.bias", [Latent], 0.01f)];
}
