using System.Globalization;
using System.Text.RegularExpressions;
using CsCheck;
using Emu3.Gateway.Reference;

namespace Emu3.Tests.Unit.Gateway.Reference;

[Trait("Suite", "Fast")]
public sealed class NumberPatternTests
{
    [Fact]
    public void Pattern_MatchesTheNumbersUpToItsBound_AndNoOthers() => Gen.Select(Gen.ULong[1, 20_000], Gen.ULong[0, 30_000]).Sample((most, number) =>
        Regex.IsMatch(number.ToString(CultureInfo.InvariantCulture), $"^{NumberPattern.UpTo(most)}$") == (number >= 1 && number <= most));

    [Theory]
    [InlineData("18446744073709551615", true)]
    [InlineData("18446744073709551616", false)]
    [InlineData("9999999999999999999", true)]
    [InlineData("99999999999999999999", false)]
    [InlineData("007", false)]
    [InlineData("", false)]
    public void Pattern_OfTheLargestSeed_IsExact(string text, bool matches) => Assert.Equal(matches, Regex.IsMatch(text, $"^{NumberPattern.UpTo(ulong.MaxValue)}$"));
}
