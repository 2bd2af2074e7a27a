using System.Diagnostics;
using Emu3.Benchmarks.Kernels;
using Emu3.Inference.Cpu.Kernels;
using Emu3.Tests.Unit.Inference.Engine;

namespace Emu3.Tests.Golden;

/// <summary>
/// All processors are one numeric class: what the decoder computes has one hash. Where it changes on purpose, <c>CpuModel.Algorithm</c> goes up by one and the
/// hashes here change with it: tokens of the old class must not be resumed in the new one.
/// </summary>
[Trait("Suite", "Golden")]
public sealed class DecoderBitsTests
{
    private static readonly Dictionary<string, string> s_hashes = new()
    {
        ["tiny-a"] = "c9bd9e702181d9c64fd52412c34c662f48cc5578550b7b4cdb8cdc098c83e61d",
        ["tiny-b"] = "ac5c304c0d876b2cc89cc918c747a56fd74bf8b2570bad5af537b4c4028f44e3",
        ["emu3-tiny"] = "2fc9a77c203572d0dd78c0f98ffb80f1de8f2fb4db5e6456f71a99368551a559",
    };

    public static TheoryData<string> Checkpoints => [.. s_hashes.Keys];

    [Theory, MemberData(nameof(Checkpoints))]
    public void Hash_OnAnyPathWithAnyThreads_IsTheOneOfThisAlgorithm(string checkpoint)
    {
        foreach (var kernels in CpuKernels.All)
            Assert.Equal(s_hashes[checkpoint], DecoderBits.Hash(PathOf(checkpoint), kernels, kernels == CpuKernels.Avx2 ? 2 : 1));
    }

    /// <summary>The same with the instructions themselves away, as on another machine.</summary>
    [Theory]
    [InlineData("tiny-a", "DOTNET_EnableAVX512")]
    [InlineData("tiny-b", "DOTNET_EnableAVX2")] // and with it the fused multiply-add
    [InlineData("tiny-a", "DOTNET_EnableHWIntrinsic")]
    public async Task Hash_OfAProcessWithoutTheInstructions_IsTheSame(string checkpoint, string variable)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(DecoderBits).Assembly.Location, "bits", "--model", PathOf(checkpoint)]) { RedirectStandardOutput = true };
        start.Environment[variable] = "0";
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(s_hashes[checkpoint], output.Trim());
    }

    private static string PathOf(string checkpoint) => checkpoint switch
    {
        "tiny-a" => TestEngines.TinyA,
        "tiny-b" => TestEngines.TinyB,
        _ => TestEngines.Trained,
    };
}
