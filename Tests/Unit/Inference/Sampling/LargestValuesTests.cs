using CsCheck;
using Emu3.Inference.Sampling;

namespace Emu3.Tests.Unit.Inference.Sampling;

[Trait("Suite", "Fast")]
public sealed class LargestValuesTests
{
    private static readonly Gen<float> Value = Gen.OneOf(
        Gen.Float[-50, 50], Gen.Int[-3, 3].Select(i => (float)i), Gen.OneOf(-0f, 0f, float.NegativeInfinity, float.MinValue, float.Epsilon, -float.Epsilon));

    [Fact]
    public void Threshold_AnyValues_IsTheKthOfTheSortedOnes()
    {
        var largest = new LargestValues();
        Gen.Select(Value.Array[1, 300], Gen.Double[0, 1]).Sample((values, part) =>
        {
            var k = 1 + (int)(part * (values.Length - 1));
            return largest.Threshold(values, k) == values.OrderDescending().ElementAt(k - 1);
        }, threads: 1);
    }

    [Fact]
    public void Threshold_KOutOfRange_IsRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new LargestValues().Threshold([1f, 2f], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LargestValues().Threshold([1f, 2f], 3));
    }
}
