using Emu3.Inference.Cpu;
using Emu3.Inference.Cpu.Kernels;
using Emu3.Inference.Weights;
using Emu3.Tests.Unit.Inference.Weights;

namespace Emu3.Tests.Unit.Inference.Cpu;

[Trait("Suite", "Fast")]
public sealed unsafe class CpuWeightReaderTests : IDisposable
{
    private readonly SmallCheckpoint checkpoint = new();

    public void Dispose() => checkpoint.Dispose();

    [Theory]
    [InlineData("BF16", new byte[] { 0x80, 0x3F, 0x40, 0xC0 }, new[] { 1f, -3f }, nameof(WeightType.BFloat16))]
    [InlineData("F16", new byte[] { 0x00, 0x3C, 0x00, 0xC2 }, new[] { 1f, -3f }, nameof(WeightType.Half))]
    [InlineData("F32", new byte[] { 0, 0, 0x80, 0x3F, 0, 0, 0x40, 0xC0 }, new[] { 1f, -3f }, nameof(WeightType.Single))]
    [InlineData("F64", new byte[] { 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0, 0, 8, 0xC0 }, new[] { 1f, -3f }, nameof(WeightType.Single))]
    [InlineData("F8_E4M3", new byte[] { 0x38, 0xC4 }, new[] { 1f, -3f }, nameof(WeightType.Single))]
    [InlineData("F8_E5M2", new byte[] { 0x3C, 0xC2 }, new[] { 1f, -3f }, nameof(WeightType.Single))]
    public void Matrix_OfEachType_HasTheNumbersOfTheFile(string dtype, byte[] bytes, float[] expected, string type)
    {
        using var files = Open(dtype, bytes);
        using var reader = new CpuWeightReader(files);
        var matrix = reader.Matrix("model.w", 1, 2);
        var wide = stackalloc float[2];
        CpuKernels.Fastest.Widen(matrix.Type, matrix.Row(0), wide, 2);
        Assert.Equal((expected[0], expected[1]), (wide[0], wide[1]));
        Assert.Equal(type, matrix.Type.ToString());
    }

    [Fact]
    public void Matrix_OfIntegers_IsRefusedByName()
    {
        using var files = Open("I8", [1, 2]);
        using var reader = new CpuWeightReader(files);
        var refused = Assert.Throws<CheckpointException>(() => reader.Matrix("model.w", 1, 2));
        Assert.Contains("'text_model.model.w'", refused.Message, StringComparison.Ordinal);
        Assert.Contains("I8", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Float8_EveryPattern_IsItsDefinition()
    {
        for (var bits = 0; bits < 256; bits++)
        {
            var (exponent, fraction) = (bits >> 3 & 15, bits & 7);
            var expected = (exponent == 0 ? fraction / 8.0 * Math.Pow(2, -6) : (1 + fraction / 8.0) * Math.Pow(2, exponent - 7)) * (bits < 128 ? 1 : -1);
            Assert.Equal(exponent == 15 && fraction == 7 ? float.NaN : (float)expected, Float8.FromE4M3((byte)bits));
        }
    }

    private CheckpointFiles Open(string dtype, byte[] bytes)
    {
        var header = System.Text.Encoding.UTF8.GetBytes($$$"""{"text_model.model.w":{"dtype":"{{{dtype}}}","shape":[1,2],"data_offsets":[0,{{{bytes.Length}}}]}}""");
        checkpoint.Write("model.safetensors", [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. bytes]);
        return CheckpointFiles.Open(checkpoint.Folder);
    }
}
