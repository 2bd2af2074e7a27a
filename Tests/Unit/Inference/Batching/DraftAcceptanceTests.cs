using Emu3.Inference.Batching;

namespace Emu3.Tests.Unit.Inference.Batching;

[Trait("Suite", "Fast")]
public sealed class DraftAcceptanceTests
{
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.3)]
    [InlineData(0.65)]
    [InlineData(1.0)]
    public void Observe_StepsOfAnyWindow_FindsTheExponent(double exponent)
    {
        var (acceptance, random) = (new DraftAcceptance(0.4, memory: 32), new Random(1));
        for (var i = 0; i < 200; i++)
        {
            var window = random.Next(1, 65);
            var mean = Math.Pow(window, exponent);
            acceptance.Observe(window, (int)mean + (random.NextDouble() < mean % 1 ? 1 : 0));
        }
        Assert.Equal(exponent, acceptance.Exponent, 0.05);
    }

    [Fact]
    public void Observe_LongWithoutGuesses_TriesThemAgain()
    {
        var acceptance = new DraftAcceptance(0.4, memory: 32);
        for (var i = 0; i < 100; i++)
            acceptance.Observe(8, 1);
        Assert.Equal(0, acceptance.Exponent, 0.05);
        for (var i = 0; i < 2000; i++)
            acceptance.Observe(1, 1);
        Assert.InRange(acceptance.Exponent, 0.3, 0.4);
    }
}
