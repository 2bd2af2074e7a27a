using System.Runtime.InteropServices;
using Emu3.Inference.Weights;

namespace Emu3.Tests.Unit.Inference.Weights;

[Trait("Suite", "Fast")]
public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Open_SoundFile_GivesEachTensor()
    {
        var path = folder.Write("a.safetensors", SafetensorsBytes.Of(("x", [2, 3], [1, 2, 3, 4, 5, 6]), ("empty", [0, 4], []), ("scalar", [], [7])));
        using var file = SafetensorsFile.Open(path);
        Assert.Equal(["empty", "scalar", "x"], file.Entries.Keys.Order());
        Assert.Equal([2, 3], file.Entries["x"].Shape);
        Assert.Equal(ElementType.F32, file.Entries["x"].Dtype);
        Assert.Equal([1, 2, 3, 4, 5, 6], MemoryMarshal.Cast<byte, float>(file.Bytes(file.Entries["x"])).ToArray());
        Assert.Equal(0, file.Bytes(file.Entries["empty"]).Length);
        Assert.Equal([7], MemoryMarshal.Cast<byte, float>(file.Bytes(file.Entries["scalar"])).ToArray());
    }

    [Theory]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}""", 8, "JSON")]
    [InlineData("""[1, 2]""", 0, "JSON")]
    [InlineData("""{"x":7}""", 0, "'x'")]
    [InlineData("""{"x":{"shape":[2],"data_offsets":[0,8]}}""", 8, "'x'")]
    [InlineData("""{"x":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}""", 8, "'x'")]
    [InlineData("""{"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "'x'")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,8]}}""", 8, "'x'")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", 8, "'x'")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", 8, "'x'")]
    [InlineData("""{"x":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}""", 8, "'x' has dtype C64")]
    [InlineData("""{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "takes 12 bytes")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "'x'")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", 8, "data_offsets are [8, 16] in 8 bytes")]
    [InlineData("""{"x":{"dtype":"F32","shape":[4611686018427387904, 4],"data_offsets":[0,0]}}""", 0, "'x'")]
    [InlineData("""{"x":{"dtype":"F32","shape":[4294967296, 4294967296, 4294967296, 4294967296],"data_offsets":[0,0]}}""", 0, "'x'")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8, "end at 4, but there are 8")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "hole before tensor 'x'")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "overlaps tensor 'y'")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "'x' is there twice")]
    public void Open_BrokenHeader_IsRefusedByName(string header, int dataLength, string named)
    {
        var path = folder.Write("broken.safetensors", SafetensorsBytes.With(header, dataLength));
        var error = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { }, "0 bytes")]
    [InlineData(new byte[] { 1, 2, 3 }, "3 bytes")]
    [InlineData(new byte[] { 200, 0, 0, 0, 0, 0, 0, 0, 123, 125 }, "200 bytes long")]
    [InlineData(new byte[] { 255, 255, 255, 255, 255, 255, 255, 255 }, "18446744073709551615 bytes long")]
    public void Open_HeaderLongerThanTheFile_IsRefused(byte[] content, string named)
    {
        var path = folder.Write("short.safetensors", content);
        var error = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_NoSuchFile_IsRefusedByName()
    {
        var path = Path.Combine(folder.Path, "nothing.safetensors");
        Assert.Contains(path, Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_AnyTruncation_IsRefused()
    {
        var whole = SafetensorsBytes.Of(("x", [2, 3], [1, 2, 3, 4, 5, 6]), ("y", [2], [7, 8]));
        for (var length = 0; length < whole.Length; length++)
        {
            var path = folder.Write("cut.safetensors", whole.AsSpan(0, length));
            Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path));
        }
    }
}
