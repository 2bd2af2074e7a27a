using Emu3.Benchmarks.SameBytes;
using Emu3.Tests.Unit.Inference.Engine;

namespace Emu3.Tests.Golden;

/// <summary>
/// Pictures, answers and clips are the same bytes with any instructions, any number of threads, alone and in batches; <c>same-bytes</c> of the benchmarks runs
/// the longer list. The hash changes with <c>CpuModel.Algorithm</c>, and with a SkiaSharp that writes PNG files in another way.
/// </summary>
[Trait("Suite", "Golden")]
public sealed class SameBytesTests
{
    private const string Hash = "3e7abaf21a13c7bf58c8b4ee92501b1c2a400637f94f24550a9c18ca6796e299";

    // Without any intrinsics a vector is handled number by number: a question, a clip and a small picture.
    private const string FewHash = "a4c5ef7ffdb61e9a1071f087532c5650ba771c2d20e690e346630a3ab9470deb";

    private static readonly int[] s_requests = [.. Enumerable.Range(0, 12)];
    private static readonly int[] s_few = [3, 4, 5];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 8)]
    public async Task Outputs_WithAnyThreadsAndNeighbours_HaveOneHash(int threads, int inFlight) =>
        Assert.Equal(Hash, await HashAsync(s_requests, threads, inFlight));

    [Fact]
    public async Task Outputs_OfAFew_HaveOneHash() => Assert.Equal(FewHash, await HashAsync(s_few, threads: 2, inFlight: 1));

    /// <summary>In a process without the instructions, as on another machine.</summary>
    [Theory]
    [InlineData("DOTNET_EnableAVX512", "AVX2", 2, 4)]
    [InlineData("DOTNET_EnableAVX2", "128 bits, without a fused multiply-add", 2, 1)]
    [InlineData("DOTNET_EnableHWIntrinsic", "128 bits, without a fused multiply-add", 1, 8)]
    public async Task Outputs_OfAProcessWithoutTheInstructions_HaveTheSameHash(string variable, string kernels, int threads, int inFlight)
    {
        Assert.SkipUnless(System.Runtime.Intrinsics.X86.Fma.IsSupported, "The variables name instructions of x64.");
        var isFew = variable == "DOTNET_EnableHWIntrinsic";
        var found = await HashingProcess.StartAsync(variable, TestEngines.TinyA, isFew ? s_few : s_requests, threads, inFlight, Cancellation);
        Assert.Equal(kernels, found.Kernels);
        Assert.Equal(isFew ? FewHash : Hash, OutputHashes.Together(found.Hashes));
    }

    private static async Task<string> HashAsync(int[] requests, int threads, int inFlight) =>
        OutputHashes.Together(await OutputHashes.ComputeAsync(TestEngines.TinyA, requests, threads, inFlight));
}
