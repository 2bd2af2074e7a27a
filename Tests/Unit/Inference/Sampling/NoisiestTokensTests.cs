using Emu3.Inference.Sampling;

namespace Emu3.Tests.Unit.Inference.Sampling;

[Trait("Suite", "Fast")]
public sealed class NoisiestTokensTests
{
    [Theory]
    [InlineData(2_600, 1024)]
    [InlineData(32_768, 1024)]
    [InlineData(101, 100)] // nearly all: more than there is room for are above the first guess
    public void Find_AnyPlace_LeavesNoneThatIsNoisierThanItSays(int width, int room)
    {
        const int firstToken = 853; // in the middle of a block of noise
        for (var index = 0; index < 20; index++)
        {
            var found = new int[room];
            var beyond = new NoisiestTokens().Find(found, width, firstToken, 42, index, 1);
            var chosen = found.ToHashSet();
            Assert.InRange(chosen.Count, room / 2, room);
            Assert.All(found, token => Assert.InRange(token, 0, width - 1));
            for (var token = 0; token < width; token++)
                if (!chosen.Contains(token))
                    Assert.True(PositionalNoise.Gumbel(PositionalNoise.At(42, index, (firstToken + token) / 4, 1)[(firstToken + token) % 4]) <= beyond);
        }
    }
}
