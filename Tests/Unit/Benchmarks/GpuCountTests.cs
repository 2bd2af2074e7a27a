using Emu3.Benchmarks.GpuCounts;
using Emu3.Inference.Model;
using Emu3.Inference.Weights;
using static TorchSharp.torch;

namespace Emu3.Tests.Unit.Benchmarks;

/// <summary>What a pass may ask of a GPU, counted on the processor.</summary>
[Trait("Suite", "Fast")]
public sealed class GpuCountTests
{
    /// <summary>At the shortest and at a long context, read through a copy and in place.</summary>
    [Theory]
    [InlineData(100)]
    [InlineData(8192)]
    [InlineData(9216)]
    public void Step_AnyContext_TakesAtMost40OperationsALayerAndOneWait(int context)
    {
        using CountedModel one = new(1, slotCount: 8), two = new(2, slotCount: 8);
        foreach (var pictures in (int[])[1, 3])
        {
            var (first, second) = (one.Step(pictures, context), two.Step(pictures, context));
            var layer = second.Operations - first.Operations;
            Assert.True(layer <= 40, $"{layer} operations: {string.Join(", ", second.ByName.Select(pair => $"{pair.Key} {pair.Value - first.ByName.GetValueOrDefault(pair.Key)}"))}");
            Assert.True(first.Operations - layer <= 40, $"{first.Operations - layer} operations around the layers");
            Assert.Empty(second.Waiting);
            Assert.Equal(1, second.Waits);
            Assert.InRange(second.ReceivedBytes, 1, pictures * 32 * 1024);
        }
    }

    [Fact]
    public void Count_KnownOperations_CountsThoseInsideOthersAndInPlace()
    {
        TorchNative.EnsureLoaded();
        using var scope = NewDisposeScope();
        var (x, weight, bias) = (randn(4, 8), randn(6, 8), randn(6));
        var (row, index) = (randn(1, 8), tensor(new long[] { 2 }));
        using var counter = new OperationCounter();
        Require(1, () => nn.functional.linear(x, weight)); // mm
        Require(2, () => nn.functional.linear(x, weight, bias)); // addmm, which copies the bias first
        Require(2, () => x.add_(x, Numbers.One).mul_(x));
        Require(1, () => linalg.norm(x, 2.0, [-1], keepdim: true)); // vector_norm
        Require(0, () => x.narrow(0, 1, 2).transpose(0, 1).unsqueeze(0));
        Require(1, () => x.t().contiguous());
        Require(1, () => x.to(ScalarType.BFloat16));
        Require(0, () => x.to(ScalarType.Float32)); // is it
        Require(1, () => x.index_put_(row, [index]));
        Assert.Empty(counter.Waiting);
        _ = x.nonzero(); // its size depends on the numbers
        Assert.NotEmpty(counter.Waiting);

        void Require(int expected, Action action)
        {
            counter.Reset();
            action();
            Assert.Equal(expected, counter.Count);
        }
    }

    [Fact]
    public void Count_AfterDispose_CountsNothing()
    {
        TorchNative.EnsureLoaded();
        var counter = new OperationCounter();
        Assert.Throws<InvalidOperationException>(() => new OperationCounter());
        counter.Dispose();
        using var x = zeros(3);
        Assert.Equal(0, counter.TotalCount);
    }
}
